import Shared
import TestKit
import Testing

/// Source: the garbage collector and the namespace controller.
struct CollectionScenarios {
    private static func maps(_ maps: [String: JSON]) -> JSON {
        let list = maps.sorted { $0.key < $1.key }.map { name, more in
            var map: JSON = ["keys": ["k"], "name": .string(name)]
            for (key, value) in more.members { map[key] = value }
            return map
        }
        return ["ConfigMap": .array(list)]
    }
    private static let held: JSON = ["finalizers": ["x.example/f"]]

    @Test func `an owner waits for dependents that block it, down to the last`() async throws {
        var scenario = Scenario("gc")
        scenario.step([Scenario.create(Scenario.map("a"))], Self.maps(["a": [:]]))
        scenario.step(
            [Scenario.create(Scenario.map("b", owners: [Scenario.owner("a")]))],
            Self.maps(["a": [:], "b": ["owners": ["ConfigMap/a^"]]]))
        scenario.step(
            [Scenario.create(Scenario.map("d", finalizers: ["x.example/f"], owners: [Scenario.owner("b")]))],
            Self.maps([
                "a": [:], "b": ["owners": ["ConfigMap/a^"]],
                "d": ["owners": ["ConfigMap/b^"], "finalizers": ["x.example/f"]],
            ]))
        scenario.step(
            [Scenario.delete("ConfigMap", "a", policy: "Foreground"), Scenario.wait(1)],
            Self.maps([
                "a": ["deleting": true, "finalizers": ["foregroundDeletion"]],
                "b": ["deleting": true, "finalizers": ["foregroundDeletion"], "owners": ["ConfigMap/a^"]],
                "d": ["deleting": true, "finalizers": ["x.example/f"], "owners": ["ConfigMap/b^"]],
            ]))
        scenario.step(
            [Scenario.patch("ConfigMap", "d", ["metadata": ["finalizers": nil]]), Scenario.wait(1)], Self.maps([:]))
        try await scenario.play()
    }

    @Test func `an owner does not wait for dependents that do not block it`() async throws {
        var scenario = Scenario("gc")
        scenario.step([Scenario.create(Scenario.map("a"))], Self.maps(["a": [:]]))
        scenario.step(
            [
                Scenario.create(
                    Scenario.map("b", finalizers: ["x.example/f"], owners: [Scenario.owner("a", blocks: false)])),
                Scenario.delete("ConfigMap", "a", policy: "Foreground"), Scenario.wait(1),
            ],
            Self.maps(["b": ["deleting": true, "finalizers": ["x.example/f"], "owners": ["ConfigMap/a"]]]))
        try await scenario.play()
    }

    @Test func `objects that own and block each other go together`() async throws {
        var scenario = Scenario("gc")
        scenario.step([Scenario.create(Scenario.map("a"))], Self.maps(["a": [:]]))
        scenario.step(
            [
                Scenario.create(Scenario.map("b", owners: [Scenario.owner("a")])),
                Scenario.patch("ConfigMap", "a", ["metadata": ["ownerReferences": [Scenario.owner("b")]]]),
            ], Self.maps(["a": ["owners": ["ConfigMap/b^"]], "b": ["owners": ["ConfigMap/a^"]]]))
        scenario.step(
            [Scenario.delete("ConfigMap", "a", policy: "Foreground"), Scenario.wait(2)], Self.maps([:]))
        try await scenario.play()
    }

    @Test func `an object of a namespace goes with its owner in the cluster`() async throws {
        let owner: JSON = [
            "apiVersion": "v1", "kind": "PersistentVolume", "name": "gc-$S-a", "uid": "$uid:PersistentVolume/gc-$S-a",
        ]
        var scenario = Scenario("gc")
        scenario.step(
            [
                Scenario.create(Scenario.volume()), Scenario.create(Scenario.map("b", owners: [owner])),
                Scenario.wait(1),
            ], Self.maps(["b": ["owners": ["PersistentVolume/gc-$S-a"]]]))
        scenario.step([Scenario.delete("PersistentVolume", "gc-$S-a"), Scenario.wait(1)], Self.maps([:]))
        try await scenario.play()
    }

    @Test func `a namespace tells what is left in it, in the order of the text`() async throws {
        func condition(_ type: String, _ status: String, _ reason: String, _ message: String) -> JSON {
            [
                "type": .string("Namespace\(type)"), "status": .string(status), "reason": .string(reason),
                "message": .string(message),
            ]
        }
        let conditions: [JSON] = [
            condition(
                "ContentRemaining", "True", "SomeResourcesRemain",
                "Some resources are remaining: configmaps. has 2 resource instances, replicasets.apps has 1 resource instances, secrets. has 1 resource instances"
            ),
            condition(
                "DeletionContentFailure", "False", "ContentDeleted",
                "All content successfully deleted, may be waiting on finalization"),
            condition(
                "DeletionDiscoveryFailure", "False", "ResourcesDiscovered", "All resources successfully discovered"),
            condition(
                "DeletionGroupVersionParsingFailure", "False", "ParsedGroupVersions",
                "All legacy kube types successfully parsed"),
            condition(
                "FinalizersRemaining", "True", "SomeFinalizersRemain",
                "Some content in the namespace has finalizers remaining: a.example/f in 1 resource instances, x.example/f in 3 resource instances, y.example/g in 1 resource instances"
            ),
        ]
        let set: JSON = [
            "kind": "ReplicaSet", "metadata": ["name": "r", "finalizers": ["x.example/f"]],
            "spec": [
                "replicas": 0, "selector": ["matchLabels": ["app": "web"]],
                "template": [
                    "metadata": ["labels": ["app": "web"]], "spec": ["containers": [["name": "c", "image": "run:1"]]],
                ],
            ],
        ]
        var scenario = Scenario("namespace")
        scenario.step(
            [
                Scenario.create(Scenario.map("a", finalizers: ["x.example/f"])),
                Scenario.create(Scenario.map("b", finalizers: ["x.example/f", "y.example/g"])),
                Scenario.create(["kind": "Secret", "metadata": ["name": "s", "finalizers": ["a.example/f"]]]),
                Scenario.create(set),
            ], ["Namespace": [["name": "gc-$S", "phase": "Active", "specFinalizers": ["kubernetes"]]]])
        scenario.step(
            [Scenario.delete("Namespace", "gc-$S"), Scenario.wait(9)],
            [
                "Namespace": [
                    [
                        "name": "gc-$S", "phase": "Terminating", "deleting": true, "specFinalizers": ["kubernetes"],
                        "conditions": .array(conditions),
                    ]
                ]
            ])
        try await scenario.play()
    }
}
