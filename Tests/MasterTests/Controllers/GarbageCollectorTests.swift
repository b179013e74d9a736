import Shared
import Testing

@testable import Master

struct GarbageCollectorTests {
    private static func metadata(
        owners: [String] = [], finalizers: [String] = [], deleting: Bool = false
    ) -> ObjectMeta {
        var metadata = ObjectMeta(["name": "x", "namespace": "default", "uid": "u"])
        metadata.json["ownerReferences"] = .array(
            owners.map { ["apiVersion": "v1", "kind": "ConfigMap", "name": .string($0), "uid": .string($0)] })
        metadata.finalizers = finalizers
        if deleting { metadata.deletionTimestamp = Sample.start }
        return metadata
    }
    private static func dependent(blocks: Bool) -> OwnerGraph.Item {
        OwnerGraph.Item(
            type: ConfigMap.type,
            metadata: ObjectMeta([
                "name": "d", "namespace": "default", "uid": "d",
                "ownerReferences": [["uid": "u", "blockOwnerDeletion": .bool(blocks)]],
            ]))
    }

    @Test func `an object goes with the last of its owners`() {
        let two = Self.metadata(owners: ["a", "b"])
        #expect(CollectionStep.make(two, owners: ["a": .alive, "b": .alive], dependents: []) == .keep)
        #expect(
            CollectionStep.make(two, owners: ["a": .gone, "b": .alive], dependents: []) == .dropOwners(uids: ["a"]))
        #expect(CollectionStep.make(two, owners: ["a": .gone, "b": .gone], dependents: []) == .delete(.background))
        #expect(CollectionStep.make(Self.metadata(), owners: [:], dependents: []) == .keep)
    }

    @Test func `an owner deleted in the foreground hands that on to dependents that have some of their own`() {
        let item = Self.metadata(owners: ["a"])
        let below = [Self.dependent(blocks: true)]
        #expect(CollectionStep.make(item, owners: ["a": .waiting], dependents: below) == .delete(.foreground))
        #expect(CollectionStep.make(item, owners: ["a": .waiting], dependents: []) == .delete(.background))
    }

    @Test func `the finalizers of an object say how it goes`() {
        let orphaning = Self.metadata(owners: ["a"], finalizers: ["orphan"])
        #expect(CollectionStep.make(orphaning, owners: ["a": .gone], dependents: []) == .delete(.orphan))
        let foreground = Self.metadata(owners: ["a"], finalizers: ["foregroundDeletion"])
        #expect(CollectionStep.make(foreground, owners: ["a": .gone], dependents: []) == .delete(.foreground))
    }

    @Test func `an object that is deleted in the foreground waits for dependents that block`() {
        let item = Self.metadata(finalizers: ["foregroundDeletion"], deleting: true)
        let blocking = Self.dependent(blocks: true)
        #expect(CollectionStep.make(item, owners: [:], dependents: [blocking]) == .wait(on: [blocking.key]))
        #expect(
            CollectionStep.make(item, owners: [:], dependents: [Self.dependent(blocks: false)]) == .finishForeground)
        #expect(CollectionStep.make(item, owners: [:], dependents: []) == .finishForeground)
    }

    @Test func `an object that leaves orphans lets them go first`() {
        let item = Self.metadata(finalizers: ["orphan"], deleting: true)
        #expect(CollectionStep.make(item, owners: [:], dependents: [Self.dependent(blocks: true)]) == .orphan)
        let held = Self.metadata(finalizers: ["example.com/hold"], deleting: true)
        #expect(CollectionStep.make(held, owners: [:], dependents: []) == .keep)
    }

    @Test func `only objects with owners or with a manner of deletion concern the collector`() {
        #expect(CollectionStep.concerns(Self.metadata(owners: ["a"])))
        #expect(CollectionStep.concerns(Self.metadata(finalizers: ["orphan"], deleting: true)))
        #expect(!CollectionStep.concerns(Self.metadata(finalizers: ["orphan"])))
        #expect(!CollectionStep.concerns(Self.metadata(deleting: true)))
    }

    @Test func `a namespace says what is left in it and what holds it`() {
        var content = NamespaceContent()
        let good = content.conditions([], now: Sample.start)
        #expect(good.allSatisfy { $0.status == "False" })
        #expect(good.first("NamespaceContentRemaining")?.reason == "ContentRemoved")
        var held = ObjectMeta(["name": "a"])
        held.finalizers = ["example.com/hold"]
        content.add([held, ObjectMeta(["name": "b"])], of: Pod.type.resource)
        content.failures = ["widgets: no answer"]
        let bad = content.conditions(good, now: Sample.start)
        #expect(
            bad.first("NamespaceContentRemaining")?.message
                == "Some resources are remaining: pods. has 2 resource instances")
        #expect(
            bad.first("NamespaceFinalizersRemaining")?.message
                == "Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances")
        #expect(bad.first("NamespaceDeletionContentFailure")?.isTrue == true)
        #expect(!content.isEmpty)
    }
}
