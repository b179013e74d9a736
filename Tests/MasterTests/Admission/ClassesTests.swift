import Shared
import TestKit
import Testing

@testable import Master

struct ClassesTests {
    private static let claim: JSON = [
        "metadata": ["name": "c"],
        "spec": ["accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "1Gi"]]],
    ]
    private static let claims = "/api/v1/namespaces/team/persistentvolumeclaims"

    @Test func `a claim gets the default storage class and a finalizer, and grows only when the class lets it`()
        async throws
    {
        let world = try await AdmissionWorld()
        for (name, isDefault) in [("slow", "false"), ("fast", "true")] {
            try await world.post(
                "/apis/storage.k8s.io/v1/storageclasses",
                [
                    "metadata": [
                        "name": .string(name),
                        "annotations": ["storageclass.kubernetes.io/is-default-class": .string(isDefault)],
                    ], "provisioner": "example.com/p",
                ])
        }
        let made = try await world.post(ClassesTests.claims, ClassesTests.claim)
        #expect(made["spec"]["storageClassName"] == "fast")
        #expect(made["metadata"]["finalizers"] == ["kubernetes.io/pvc-protection"])
        _ = try await world.client.call(
            "PATCH", ClassesTests.claims + "/c/status", body: ["status": ["phase": "Bound"]],
            contentType: "application/merge-patch+json")
        await #expect(throws: Status.self) {
            try await world.client.call(
                "PATCH", ClassesTests.claims + "/c",
                body: ["spec": ["resources": ["requests": ["storage": "2Gi"]]]],
                contentType: "application/merge-patch+json")
        }
    }

    @Test func `a runtime class brings overhead, nodes and tolerations`() async throws {
        let world = try await AdmissionWorld()
        let missing = try await world.refusal(
            AdmissionWorld.pods, AdmissionWorld.pod("a", spec: ["runtimeClassName": "vm"]))
        #expect(missing?.message == "pods \"a\" is forbidden: pod rejected: RuntimeClass \"vm\" not found")
        try await world.post(
            "/apis/node.k8s.io/v1/runtimeclasses",
            [
                "metadata": ["name": "vm"], "handler": "vm", "overhead": ["podFixed": ["cpu": "100m"]],
                "scheduling": ["nodeSelector": ["kind": "vm"], "tolerations": [["key": "vm", "operator": "Exists"]]],
            ])
        let pod = try await world.post(AdmissionWorld.pods, AdmissionWorld.pod("a", spec: ["runtimeClassName": "vm"]))
        #expect(pod["spec"]["overhead"] == ["cpu": "100m"])
        #expect(pod["spec"]["nodeSelector"] == ["kind": "vm"])
        #expect(pod["spec"]["tolerations"].items.contains { $0["key"] == "vm" })
        let other = AdmissionWorld.pod("b", spec: ["runtimeClassName": "vm", "nodeSelector": ["kind": "x"]])
        #expect(try await world.refusal(AdmissionWorld.pods, other)?.message.contains("conflict: runtimeClass") == true)
    }

    @Test func `there is one default priority class`() async throws {
        let world = try await AdmissionWorld()
        let path = "/apis/scheduling.k8s.io/v1/priorityclasses"
        try await world.post(path, ["metadata": ["name": "one"], "value": 7, "globalDefault": true])
        let second = try await world.refusal(path, ["metadata": ["name": "two"], "value": 8, "globalDefault": true])
        #expect(
            second?.message
                == "priorityclasses.scheduling.k8s.io \"two\" is forbidden: PriorityClass one is already marked as default. Only one default can exist"
        )
        let pod = try await world.post(AdmissionWorld.pods, AdmissionWorld.pod("a"))
        #expect(pod["spec"]["priority"] == 7)
        #expect(pod["spec"]["priorityClassName"] == "one")
    }

    @Test func `pods tolerate the taints of the devices that they ask for, where that is switched on`() async throws {
        var options = ControlPlane.Options()
        options.toleratesExtendedResources = true
        let world = try await AdmissionWorld(options: options)
        let resources: JSON = ["resources": ["limits": ["example.com/card": "1"]]]
        let pod = try await world.post(AdmissionWorld.pods, AdmissionWorld.pod("a", resources))
        #expect(pod["spec"]["tolerations"].items.contains(["key": "example.com/card", "operator": "Exists"]))
    }

    @Test func `events that come too fast are refused until time has passed`() {
        let clock = ManualClock()
        let meter = RateMeter(perSecond: 2, burst: 3, clock: clock)
        #expect((0..<5).map { _ in meter.allows("a") } == [true, true, true, false, false])
        #expect(meter.allows("b"))
        clock.advance(by: .seconds(1))
        #expect((0..<3).map { _ in meter.allows("a") } == [true, true, false])
    }
}
