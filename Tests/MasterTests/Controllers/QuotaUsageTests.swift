import Shared
import Testing

@testable import Master

struct QuotaUsageTests {
    private static func pod(_ cpu: String, phase: String = "Running", deadline: Int? = nil) -> JSON {
        var spec: JSON = ["containers": [["name": "c", "resources": ["requests": ["cpu": .string(cpu)]]]]]
        if let deadline { spec["activeDeadlineSeconds"] = JSON(deadline) }
        return ["metadata": ["name": "p"], "spec": spec, "status": ["phase": .string(phase)]]
    }

    private static let counted: [(name: String, resource: String?)] = [
        ("pods", "pods"), ("cpu", "pods"), ("requests.memory", "pods"), ("limits.ephemeral-storage", "pods"),
        ("requests.nvidia.com/gpu", "pods"), ("hugepages-2Mi", "pods"), ("services.nodeports", "services"),
        ("requests.storage", "persistentvolumeclaims"), ("secrets", "secrets"),
        ("gold.storageclass.storage.k8s.io/requests.storage", "persistentvolumeclaims"),
        ("count/deployments.apps", "deployments.apps"), ("count/pods", "pods"), ("count/", nil), ("nonsense", nil),
    ]

    @Test(arguments: counted) func `each limit is counted on the objects that use it`(name: String, resource: String?) {
        #expect(QuotaUsage.resource(counting: name)?.description == resource)
    }

    @Test func `pods that have ended use their place among all pods only`() {
        let pods = [Self.pod("250m"), Self.pod("1"), Self.pod("4", phase: "Failed")]
        let total = QuotaUsage.total(pods, Pod.type.resource, [:], now: Sample.start)
        #expect(total["pods"] == Quantity(2))
        #expect(total["requests.cpu"] == Quantity("1250m"))
        #expect(total["count/pods"] == Quantity(3))
    }

    @Test func `a quota with scopes counts what they cover`() {
        let pods = [Self.pod("1", deadline: 30), Self.pod("2")]
        let total = QuotaUsage.total(pods, Pod.type.resource, ["scopes": ["Terminating"]], now: Sample.start)
        #expect(total["requests.cpu"] == Quantity(1))
    }

    @Test func `a cache is counted on when it has seen more than the quota's own write`() {
        #expect(QuotaUsage.shows(Revision(8), allChargedTo: Revision(7)))
        #expect(!QuotaUsage.shows(Revision(7), allChargedTo: Revision(7)))
        #expect(!QuotaUsage.shows(Revision(6), allChargedTo: Revision(7)))
    }
}
