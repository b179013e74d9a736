import Shared
import TestKit
import Testing

@testable import Master

struct ResourceQuotaTests {
    private static let maps = "/api/v1/namespaces/team/configmaps"

    private static func quota(_ hard: JSON, spec: JSON = [:]) -> JSON {
        var spec = spec
        spec["hard"] = hard
        return ["metadata": ["name": "q"], "spec": spec]
    }

    @Test func `creates at the same time never exceed a quota`() async throws {
        let world = try await AdmissionWorld()
        try await world.post(
            "/api/v1/namespaces/team/resourcequotas", ResourceQuotaTests.quota(["configmaps": "7", "pods": "5"]))
        let taken = try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<60 {
                group.addTask {
                    let isPod = number % 2 == 0
                    let body = isPod ? AdmissionWorld.pod("p\(number)") : ["metadata": ["name": "m\(number)"]]
                    let path = isPod ? AdmissionWorld.pods : ResourceQuotaTests.maps
                    let refusal = try await world.refusal(path, body)
                    #expect(refusal == nil || refusal?.reason == .forbidden)
                    return refusal == nil
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(taken == 12)
        let refusal = try await world.refusal(ResourceQuotaTests.maps, ["metadata": ["name": "more"]])
        #expect(
            refusal?.message
                == "configmaps \"more\" is forbidden: exceeded quota: q, requested: configmaps=1, used: configmaps=7, limited: configmaps=7"
        )
    }

    @Test func `a quota of processors wants to know what a pod asks for and adds it up`() async throws {
        let world = try await AdmissionWorld()
        try await world.post(
            "/api/v1/namespaces/team/resourcequotas",
            ResourceQuotaTests.quota(["requests.cpu": "1", "limits.memory": "1Gi"]))
        let silent = try await world.refusal(AdmissionWorld.pods, AdmissionWorld.pod("a"))
        #expect(
            silent?.message
                == "pods \"a\" is forbidden: failed quota: q: must specify limits.memory for: c; requests.cpu for: c")
        let resources: JSON = ["resources": ["limits": ["memory": "1M"], "requests": ["cpu": "600m"]]]
        try await world.post(AdmissionWorld.pods, AdmissionWorld.pod("b", resources))
        let second = try await world.refusal(AdmissionWorld.pods, AdmissionWorld.pod("c", resources))
        #expect(
            second?.message
                == "pods \"c\" is forbidden: exceeded quota: q, requested: requests.cpu=600m, used: requests.cpu=600m, limited: requests.cpu=1"
        )
        // A pod that has ended gives back what it used.
        _ = try await world.client.call(
            "PATCH", AdmissionWorld.pods + "/b/status", body: ["status": ["phase": "Succeeded"]],
            contentType: "application/merge-patch+json")
        try await world.post(AdmissionWorld.pods, AdmissionWorld.pod("c", resources))
    }

    @Test func `the status follows each write once the controller has counted`() async throws {
        let world = try await AdmissionWorld()
        let path = "/api/v1/namespaces/team/resourcequotas"
        try await world.post(path, ResourceQuotaTests.quota(["configmaps": "3", "secrets": "3"]))
        _ = try await world.client.call(
            "PATCH", path + "/q/status",
            body: ["status": ["hard": ["configmaps": "3"], "used": ["configmaps": "0", "secrets": "0"]]],
            contentType: "application/merge-patch+json")
        try await world.post(ResourceQuotaTests.maps, ["metadata": ["name": "a"]])
        try await world.post(ResourceQuotaTests.maps, ["metadata": ["name": "b"]], query: ["dryRun": "All"])
        let quota = try await world.client.call("GET", path + "/q")
        #expect(quota["status"]["used"] == ["configmaps": "1", "secrets": "0"])
    }

    @Test func `an update is charged with what it adds`() async throws {
        let world = try await AdmissionWorld()
        try await world.post(
            "/api/v1/namespaces/team/resourcequotas", ResourceQuotaTests.quota(["services.nodeports": "1"]))
        let path = "/api/v1/namespaces/team/services"
        for name in ["a", "b"] {
            try await world.post(path, ["metadata": ["name": .string(name)], "spec": ["ports": [["port": 80]]]])
        }
        let patch: JSON = ["spec": ["type": "NodePort"]]
        _ = try await world.client.call(
            "PATCH", path + "/a", body: patch, contentType: "application/merge-patch+json")
        await #expect(throws: Status.self) {
            try await world.client.call(
                "PATCH", path + "/b", body: patch, contentType: "application/merge-patch+json")
        }
    }

    @Test func `scopes choose pods`() {
        let pods = Pod.type.resource
        let short = QuotaScopes(["spec": ["activeDeadlineSeconds": 5, "priorityClassName": "high"]], pods)
        #expect(short.areCovered(by: ["scopes": ["Terminating", "BestEffort"]]))
        #expect(!short.areCovered(by: ["scopes": ["NotTerminating"]]))
        let selector: JSON = [
            "scopeSelector": [
                "matchExpressions": [["scopeName": "PriorityClass", "operator": "In", "values": ["high"]]]
            ]
        ]
        #expect(short.areCovered(by: selector))
        #expect(!QuotaScopes(["spec": [:]], pods).areCovered(by: selector))
        #expect(!QuotaScopes([:], GroupResource("services")).areCovered(by: ["scopes": ["BestEffort"]]))
    }

    @Test func `init containers count by the one that needs most, those that stay by their sum`() {
        let spec: JSON = [
            "containers": [["resources": ["requests": ["cpu": "1"]]]],
            "initContainers": [
                ["restartPolicy": "Always", "resources": ["requests": ["cpu": "500m"]]],
                ["resources": ["requests": ["cpu": "2"]]],
            ],
            "overhead": ["cpu": "100m"],
        ]
        #expect(PodAmounts.sum(spec, "requests")["cpu"] == Quantity("2600m"))
    }
}
