import Shared
import Synchronization

extension AdmissionPlugin {
    /// Refuses what would take a namespace over one of its resource quotas, and writes the new use into their status.
    ///
    /// The check runs inside the transaction of the write and counts what is really stored, so that writes at the same
    /// time can never exceed a quota together. Source: plugin/pkg/admission/resourcequota, apiserver
    /// `plugin/resourcequota/controller.go`.
    /// - Parameter hasQuotas: whether a namespace has quotas at all; asked before the transaction to keep others quick.
    static func resourceQuotas(
        _ ledger: QuotaLedger, clock: any WallClock, hasQuotas: @escaping @Sendable (_ namespace: String) -> Bool
    ) -> Self {
        AdmissionPlugin(name: "ResourceQuota", phase: .validating) { call throws(Status) in
            guard call.operation == .create || call.operation == .update, call.subresource.isEmpty,
                call.resource.isNamespaced, call.resource.isStored, hasQuotas(call.namespace)
            else { return }
            let before = call.operation == .update ? QuotaUse.of(call.old, call.resource.groupResource) : [:]
            let use = QuotaUse.of(call.object, call.resource.groupResource)
            guard use.contains(where: { $0.value > before[$0.key] ?? Quantity(0) }) else { return }
            call.checks.append(
                QuotaCheck(
                    ledger: ledger, resource: call.resource.groupResource, namespace: call.namespace, name: call.name,
                    object: call.object, use: use, before: before, isCreate: call.operation == .create,
                    now: clock.now()))
        }
    }
}

/// One write that is to be charged to the quotas of its namespace.
struct QuotaCheck: AdmissionCheck {
    let ledger: QuotaLedger
    let resource: GroupResource
    let namespace: String
    let name: String
    let object: JSON
    /// What the object will use, and has used before.
    let use: QuotaUse.Amounts
    let before: QuotaUse.Amounts
    let isCreate: Bool
    let now: Timestamp

    func check(_ transaction: inout Transaction) throws(Status) { try ledger.charge(self, &transaction) }
    func refusal(_ why: String) -> Status { Status.forbidden(resource, name, why) }
}

/// Counts what the objects of a namespace use, against its quotas. A class: it remembers the use of objects that have
/// not changed, so that a check does not read every pod of the namespace anew.
final class QuotaLedger: Sendable {
    /// What one stored object uses, and what scopes ask about it.
    private struct Entry {
        let revision: Revision
        let use: QuotaUse.Amounts
        let scopes: QuotaScopes
        let isDone: Bool
    }
    private let entries = Mutex<[String: Entry]>([:])
    private static let quotas = GroupResource("resourcequotas")

    /// Checks all quotas of the namespace and writes their status.
    /// - Throws: 403 that names the first quota which the request would exceed.
    func charge(_ request: QuotaCheck, _ transaction: inout Transaction) throws(Status) {
        let scopes = QuotaScopes(request.object, request.resource)
        var charged: [(ObjectKey, JSON)] = []
        for stored in transaction.list(QuotaLedger.quotas, namespace: request.namespace) {
            var quota = try stored.json()
            guard scopes.areCovered(by: quota["spec"]) else { continue }
            let hard = quota["spec"]["hard"].quantities.filter {
                request.use[$0.key] != nil || isDemanded($0.key, request)
            }
            guard !hard.isEmpty else { continue }
            if let missing = QuotaUse.missing(in: request.object, request.resource, of: Array(hard.keys)) {
                throw request.refusal("failed quota: \(stored.key.name): \(missing)")
            }
            let growing = hard.filter { amount in
                (request.use[amount.key] ?? Quantity(0)) > (request.before[amount.key] ?? Quantity(0))
            }
            guard !growing.isEmpty else { continue }
            let used = try total(
                request, quota["spec"], transaction.list(request.resource, namespace: request.namespace))
            try check(request, quota: stored.key.name, growing, used)
            // The controller writes the status first; what it has not counted yet it counts itself.
            guard !quota["status"]["hard"].members.isEmpty else { continue }
            for name in hard.keys.sorted() where !quota["status"]["hard"][name].isNull {
                let amount = (used[name] ?? Quantity(0)) + (request.use[name] ?? Quantity(0))
                quota["status"]["used"][name] = .string(amount.description)
            }
            quota["status"]["used"] = .object(quota["status"]["used"].members.sorted())
            charged.append((stored.key, quota))
        }
        for (key, quota) in charged { try transaction.put(key, quota) }
    }

    /// A pod has to say what a quota of processors or memory counts, even when it says nothing yet.
    private func isDemanded(_ name: String, _ request: QuotaCheck) -> Bool {
        request.isCreate && request.resource == Pod.type.resource && QuotaUse.demanded.contains(name)
    }

    private func check(
        _ request: QuotaCheck, quota: String, _ hard: QuotaUse.Amounts, _ used: QuotaUse.Amounts
    ) throws(Status) {
        let exceeded = hard.filter { name, most in
            (used[name] ?? Quantity(0)) + (request.use[name] ?? Quantity(0)) > most
        }.keys.sorted()
        guard !exceeded.isEmpty else { return }
        func list(_ amount: (String) -> Quantity) -> String {
            exceeded.map { "\($0)=\(amount($0))" }.joined(separator: ",")
        }
        let zero = Quantity(0)
        // An update is told what it adds, and what is used with the object as it was.
        let requested = list { (request.use[$0] ?? zero) - (request.before[$0] ?? zero) }
        let inUse = list { (used[$0] ?? zero) + (request.before[$0] ?? zero) }
        throw request.refusal(
            "exceeded quota: \(quota), requested: \(requested), used: \(inUse), limited: \(list { hard[$0] ?? zero })")
    }

    /// What all other objects use that the quota covers.
    private func total(_ request: QuotaCheck, _ spec: JSON, _ items: [Stored]) throws(Status)
        -> QuotaUse.Amounts
    {
        var total: QuotaUse.Amounts = [:]
        for stored in items where request.isCreate || stored.key.name != request.name {
            let entry = try entry(stored, request.now)
            guard entry.scopes.areCovered(by: spec) else { continue }
            for (name, amount) in entry.use where !entry.isDone || name.hasPrefix("count/") {
                total[name] = total[name].map { $0 + amount } ?? amount
            }
        }
        return total
    }

    private func entry(_ stored: Stored, _ now: Timestamp) throws(Status) -> Entry {
        let uid = stored.projection.uid
        if let known = entries.withLock({ $0[uid] }), known.revision == stored.revision { return known }
        let object = try stored.json()
        let entry = Entry(
            revision: stored.revision, use: QuotaUse.of(object, stored.key.resource),
            scopes: QuotaScopes(object, stored.key.resource), isDone: QuotaUse.isDone(object, stored.key.resource, now))
        entries.withLock { entries in
            if entries.count >= Limits.quotaEntriesMax { entries = [:] }
            entries[uid] = entry
        }
        return entry
    }
}

extension Limits {
    /// Objects whose use the quota ledger remembers; above that it begins anew.
    static let quotaEntriesMax = 100_000
}
