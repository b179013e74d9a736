import Shared
import Testing

@testable import Master

struct CollectionCircleTests {
    private static func item(_ uid: String, owner: String, blocks: Bool, waits: Bool) -> OwnerGraph.Item {
        var metadata = ObjectMeta([
            "name": .string(uid), "namespace": "default", "uid": .string(uid),
            "ownerReferences": [
                [
                    "apiVersion": "v1", "kind": "ConfigMap", "name": .string(owner), "uid": .string(owner),
                    "blockOwnerDeletion": .bool(blocks),
                ]
            ],
        ])
        if waits {
            metadata.finalizers = [CollectionStep.foregroundFinalizer]
            metadata.deletionTimestamp = Sample.start
        }
        return OwnerGraph.Item(type: ConfigMap.type, metadata: metadata)
    }

    @Test func `objects that own each other do not wait for each other`() {
        let first = CollectionCircleTests.item("a", owner: "b", blocks: true, waits: true)
        let second = CollectionCircleTests.item("b", owner: "a", blocks: true, waits: false)
        #expect(CollectionStep.make(second.metadata, owners: ["a": .waiting], dependents: [first]) == .unblock)
        let unblocked = CollectionCircleTests.item("b", owner: "a", blocks: false, waits: false)
        #expect(
            CollectionStep.make(unblocked.metadata, owners: ["a": .waiting], dependents: [first])
                == .delete(.foreground))
        let idle = CollectionCircleTests.item("a", owner: "b", blocks: true, waits: false)
        #expect(
            CollectionStep.make(second.metadata, owners: ["a": .waiting], dependents: [idle]) == .delete(.foreground))
    }
}
