import Glibc
import Shared

/// Says every two seconds that this node is alive, and makes sure that no other agent does so under the same name.
/// Source: KEP-589 (node leases).
struct NodeLease: Sendable {
    struct Taken: Error, CustomStringConvertible {
        let name: String
        let holder: String
        var description: String {
            "another agent runs as node \(name) (\(holder)): stop it, or start this one with another --name"
        }
    }
    let client: Client
    let name: String
    /// The node's name and something that only this state folder on this boot has.
    let identity: String
    let clock: any WallClock
    let log: Log

    static let period = Duration.seconds(2)
    static let lifeSeconds = 8

    /// An identity that a restarted agent has again, and no other.
    static func identity(name: String, state: String, machine: Machine) throws -> String {
        let path = state + "/identity"
        let kept = try PrivateFile.read(path).map { String(decoding: $0, as: UTF8.self) }
        let own = kept ?? Random.bytes(6).hex
        if kept == nil { try PrivateFile.write(path, Array(own.utf8)) }
        return "\(name)_\(own)-\(machine.bootID.prefix(8))"
    }

    /// Takes the lease, waiting for the master when it is away.
    func take() async throws {
        var backoff = Backoff(first: .milliseconds(200), most: .seconds(5))
        while true {
            do {
                return try await renew(isFirst: true)
            } catch let error as Taken {
                throw error
            } catch let error as CancellationError {
                throw error
            } catch {
                log.info("the node's lease is not taken yet", ("error", "\(error)"))
                try await clock.sleep(for: backoff.next())
            }
        }
    }

    /// Renews it until cancelled.
    func run() async throws {
        var failures = 0
        while true {
            try await clock.sleep(for: Self.period)
            do {
                try await renew(isFirst: false)
                if failures > 0 { log.info("the master is reached again", ("failures", failures)) }
                failures = 0
            } catch let error as Taken {
                throw error
            } catch let error as CancellationError {
                throw error
            } catch {
                if Task.isCancelled { throw CancellationError() }
                failures += 1
                if failures == 1 { log.warning("the master is away; pods keep running", ("error", "\(error)")) }
            }
        }
    }

    private func renew(isFirst: Bool) async throws {
        let now = clock.now()
        let namespace = Lease.nodeNamespace
        let known = try await client.found(Lease.self, namespace: namespace, name: name)
        var lease = known.map { Lease($0) } ?? Lease(name: name, namespace: namespace)
        if known != nil, lease.holder != identity, !lease.holder.isEmpty {
            let age = lease.renewTime.map { now - $0 } ?? .seconds(1000)
            // Somebody else's that is still renewed, or that took over from us.
            if age < .seconds(Self.lifeSeconds) || !isFirst { throw Taken(name: name, holder: lease.holder) }
        }
        var spec = lease.json["spec"]
        if spec.object == nil { spec = [:] }
        spec["holderIdentity"] = .string(identity)
        spec["leaseDurationSeconds"] = JSON(Self.lifeSeconds)
        spec["renewTime"] = .string(now.rfc3339Micro)
        lease.json["spec"] = spec
        do {
            _ = known == nil ? try await client.create(lease) : try await client.update(lease)
        } catch let status as Status where status.reason == .conflict || status.reason == .alreadyExists {
            // Someone wrote in between: the next round sees who.
            if isFirst { return try await renew(isFirst: true) }
        }
    }
}
