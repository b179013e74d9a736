import Shared
import Testing

@testable import Agent

struct EnvironmentPlanTests {
    private func source(_ change: (inout EnvironmentSource) -> Void = { _ in }) -> EnvironmentSource {
        var source = EnvironmentSource(
            pod: PodBed.pod([]), nodeName: "n1", hostAddress: "192.0.2.1", podAddress: "10.0.0.9", nodeCPUMillis: 2000,
            nodeMemory: 1 << 30)
        change(&source)
        return source
    }

    @Test(arguments: [
        ("$(A)", "alpha"), ("$$(A)", "$(A)"), ("$(NO)", "$(NO)"), ("a$", "a$"), ("$(A", "$(A"), ("$$$$", "$$"),
    ])
    func `references are expanded as Kubernetes does`(text: String, expected: String) {
        #expect(Expansion.expand(text, ["A": "alpha"]) == expected)
    }

    @Test func `a missing config map has the text of the kubelet`() {
        let container = Container([
            "env": [["name": "A", "valueFrom": ["configMapKeyRef": ["name": "nope", "key": "k"]]]]
        ])
        #expect(throws: ConfigError("configmap \"nope\" not found")) { try EnvironmentPlan(container, source()) }
    }

    @Test func `a missing key has the text of the kubelet`() {
        let container = Container([
            "env": [["name": "A", "valueFrom": ["secretKeyRef": ["name": "sec", "key": "nokey"]]]]
        ])
        let source = source { $0.secrets["sec"] = .some(["data": [:]]) }
        #expect(throws: ConfigError("couldn't find key nokey in Secret ns/sec")) {
            try EnvironmentPlan(container, source)
        }
    }

    @Test func `later variables see earlier ones, fields and resources`() throws {
        let container = Container([
            "env": [
                ["name": "A", "value": "x"], ["name": "B", "value": "$(A)y"],
                ["name": "IP", "valueFrom": ["fieldRef": ["fieldPath": "status.podIP"]]],
                ["name": "CPU", "valueFrom": ["resourceFieldRef": ["resource": "limits.cpu"]]],
            ], "resources": ["limits": ["cpu": "1500m"]],
        ])
        #expect(try EnvironmentPlan(container, source()).texts == ["A=x", "B=xy", "IP=10.0.0.9", "CPU=2"])
    }
}
