import Shared
import TestKit

@testable import Master

/// What a seed decides, and what is asked about the past: for tests that hold controllers to their bounds.
extension InProcessCluster {
    /// A bad network, and tasks that go on in an order that the seed chooses. A seed that fails fails again: run it
    /// with `SWIFT_DETERMINISTIC_HASHING=1`, which fixes the order of sets as well.
    /// - Parameters:
    ///   - oneIn: how many requests there are to one fault.
    ///   - grace: how long a node may be silent; much, so that not all of the time goes into leases.
    static func faulty(
        _ seed: UInt64, nodes: Int = 3, oneIn: UInt64 = 20, grace: Duration = .seconds(200)
    ) -> Settings {
        var settings = Settings()
        settings.nodes = nodes
        settings.nodeGrace = grace
        settings.order = Seed(seed)
        settings.faults = Faults(seed: Seed(seed &+ 1000), oneIn: oneIn)
        return settings
    }

    /// One committed change of an object.
    struct Step<K: Kind> {
        let revision: Revision
        /// The object after the change, or as it was last.
        let object: K
        let isRemoval: Bool
        let isCreation: Bool
    }

    /// All changes of a kind's objects, the oldest first; of one namespace when it is given.
    func course<K: Kind>(of kind: K.Type, in namespace: String? = nil) async throws -> [Step<K>] {
        var after = Revision.zero
        var steps: [Step<K>] = []
        while true {
            let page = try await plane.store.log.changes(K.type.resource, namespace, after, 1000)
            steps += try page.changes.map { change in
                Step(
                    revision: change.revision, object: K(try change.stored.json()),
                    isRemoval: change.kind == .deletion, isCreation: change.kind == .put && change.previous == nil)
            }
            if page.changes.isEmpty || page.upTo <= after { return steps }
            after = page.upTo
        }
    }

    /// Somebody sets the clock of the machine, forward or back by an hour at most.
    func setClock(_ random: inout Seed) { clock.jump(by: .seconds(Int64(random.next() % 7200) - 3600)) }

    /// The last value of something before a revision, and the one before that: who acts may not have seen the latest.
    static func known<K: Kind, Value: Equatable>(
        _ course: [Step<K>], before revision: Revision, _ value: (K) -> Value
    ) -> [Value] {
        var known: [Value] = []
        for step in course where step.revision < revision {
            if known.last != value(step.object) { known.append(value(step.object)) }
        }
        return known.suffix(2)
    }

    /// Does what may find that the object is gone already, or was changed by someone else.
    /// - Parameter more: what else may be said of a step that comes at a wrong time.
    func tolerantly(_ more: [Status.Reason] = [], _ work: () async throws -> Void) async throws {
        do { try await work() } catch let status as Status
            where ([.notFound, .conflict] + more).contains(status.reason)
        {}
    }
}
