import Shared
import TestKit
import Testing

@testable import Master

struct DiskUseTests {
    private static func pod(_ name: String, _ volume: JSON, node: String = "") -> Pod {
        PlacerTests.pod(name, ["volumes": [volume]], node: node)
    }
    private static func gce(_ disk: String, readOnly: Bool = false) -> JSON {
        ["name": "v", "gcePersistentDisk": ["pdName": .string(disk), "readOnly": .bool(readOnly)]]
    }
    private static func rbd(_ image: String, _ monitors: [String], readOnly: Bool = false) -> JSON {
        ["name": "v", "rbd": ["image": .string(image), "monitors": JSON(monitors), "readOnly": .bool(readOnly)]]
    }
    private static func aws(_ disk: String, readOnly: Bool = false) -> JSON {
        ["name": "v", "awsElasticBlockStore": ["volumeID": .string(disk), "readOnly": .bool(readOnly)]]
    }
    private static func iscsi(_ target: String, readOnly: Bool = false) -> JSON {
        ["name": "v", "iscsi": ["iqn": .string(target), "readOnly": .bool(readOnly)]]
    }

    /// The volume of a pod on the node, that of a new one, and whether the new one fits there.
    static let pairs: [(JSON, JSON, Bool)] = [
        (gce("a"), gce("a"), false), (gce("a"), gce("b"), true), (gce("a", readOnly: true), gce("a"), false),
        (gce("a", readOnly: true), gce("a", readOnly: true), true), (gce("a"), aws("a"), true),
        (aws("a", readOnly: true), aws("a", readOnly: true), false),
        (iscsi("a"), iscsi("a", readOnly: true), false),
        (iscsi("a", readOnly: true), iscsi("a", readOnly: true), true),
        (rbd("i", ["m1", "m2"]), rbd("i", ["m2"]), false), (rbd("i", ["m1"]), rbd("i", ["m2"]), true),
        (["name": "v", "emptyDir": [:]], ["name": "v", "emptyDir": [:]], true),
    ]

    @Test(arguments: pairs)
    func `a disk is written from one place`(held: JSON, wanted: JSON, fits: Bool) {
        var snapshot = PlacerTests.snapshot([Sample.node("a")], [DiskUseTests.pod("held", held, node: "a")])
        var placer = Placer(random: Seed(1))
        switch placer.place(PodDemand(DiskUseTests.pod("new", wanted)), in: &snapshot) {
        case .node(let name): #expect(fits && name == "a")
        case .nowhere(let refusal):
            #expect(!fits)
            #expect(refusal.message == "0/1 nodes are available: 1 node(s) had no available disk.")
        }
    }

    @Test func `whoever gives the disk back wakes who waits for it`() {
        let waiting = PodDemand(DiskUseTests.pod("new", DiskUseTests.gce("a")))
        let helps = Filter.volumeRestrictions.helps
        #expect(helps(waiting, .podLeft(PodDemand(DiskUseTests.pod("held", DiskUseTests.gce("a"), node: "a")))))
        #expect(!helps(waiting, .podLeft(PodDemand(DiskUseTests.pod("held", DiskUseTests.gce("b"), node: "a")))))
    }
}
