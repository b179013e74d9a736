import Shared
import Synchronization

extension AdmissionPlugin {
    /// Refuses what would take a namespace over one of its resource quotas, and writes the new use into their status.
    ///
    /// The check runs inside the transaction of the write, reads the quotas there and counts what is really stored, so
    /// that writes at the same time can never exceed a quota together, not even one that is only being made.
    /// Source: plugin/pkg/admission/resourcequota, apiserver `plugin/resourcequota/controller.go`.
    static func resourceQuotas(_ ledger: QuotaLedger, clock: any WallClock) -> Self {
        AdmissionPlugin(name: "ResourceQuota", phase: .validating) { call throws(Status) in
            guard call.operation == .create || call.operation == .update, call.subresource.isEmpty,
                call.resource.isNamespaced, call.resource.isStored
            else { return }
            call.checks.append(
                QuotaCheck(
                    ledger: ledger, resource: call.resource.groupResource, namespace: call.namespace, name: call.name,
                    object: call.object, old: call.old, now: clock.now()))
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
    /// The object before an update; null on creation.
    let old: JSON
    let now: Timestamp

    func check(_ transaction: inout Transaction) throws(Status) {
        let quotas = transaction.list(QuotaLedger.quotas, namespace: namespace)
        guard !quotas.isEmpty else { return }
        let charge = QuotaCharge(self)
        guard !charge.growing.isEmpty else { return }
        try ledger.charge(charge, to: quotas, &transaction)
    }
}

/// What one write adds to the use of its namespace.
struct QuotaCharge {
    let request: QuotaCheck
    /// What the object will use, and has used before.
    let use: QuotaUse.Amounts
    let before: QuotaUse.Amounts
    /// The names of what it uses more of.
    let growing: Set<String>

    init(_ request: QuotaCheck) {
        let use = QuotaUse.of(request.object, request.resource)
        let before = request.old.isNull ? [:] : QuotaUse.of(request.old, request.resource)
        self.request = request
        self.use = use
        self.before = before
        growing = Set(use.filter { $0.value > before[$0.key] ?? Quantity(0) }.keys)
    }

    var isCreate: Bool { request.old.isNull }
    func refusal(_ why: String) -> Status { Status.forbidden(request.resource, request.name, why) }
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
    static let quotas = GroupResource("resourcequotas")

    /// Checks all quotas of the namespace and writes their status: also what the controller has not counted yet, so that
    /// no status, at no revision, says less than what is there.
    /// - Throws: 403 that names the first quota which the request would exceed.
    func charge(_ charge: QuotaCharge, to quotas: [Stored], _ transaction: inout Transaction) throws(Status) {
        let request = charge.request
        let scopes = QuotaScopes(request.object, request.resource)
        var concerned: [(ObjectKey, JSON, QuotaUse.Amounts)] = []
        var charged: [(ObjectKey, JSON)] = []
        for stored in quotas {
            let quota = try stored.json()
            guard scopes.areCovered(by: quota["spec"]) else { continue }
            let hard = quota["spec"]["hard"].quantities.filter {
                charge.use[$0.key] != nil || isDemanded($0.key, charge)
            }
            guard !hard.isEmpty else { continue }
            if let missing = QuotaUse.missing(in: request.object, request.resource, of: Array(hard.keys)) {
                throw charge.refusal("failed quota: \(stored.key.name): \(missing)")
            }
            concerned.append((stored.key, quota, hard))
        }
        // What a pod leaves out is said before anything is counted.
        for (key, quota, hard) in concerned {
            var quota = quota
            let growing = hard.filter { charge.growing.contains($0.key) }
            guard !growing.isEmpty else { continue }
            let used = try total(
                charge, quota["spec"], transaction.list(request.resource, namespace: request.namespace))
            try check(charge, quota: key.name, growing, used)
            for name in hard.keys {
                let amount = (used[name] ?? Quantity(0)) + (charge.use[name] ?? Quantity(0))
                quota["status"]["hard"][name] = quota["spec"]["hard"][name]
                quota["status"]["used"][name] = .string(amount.description)
            }
            for part in ["hard", "used"] { quota["status"][part] = .object(quota["status"][part].members.sorted()) }
            charged.append((key, quota))
        }
        for (key, quota) in charged { try transaction.put(key, quota) }
    }

    /// A pod has to say what a quota of processors or memory counts, even when it says nothing yet.
    private func isDemanded(_ name: String, _ charge: QuotaCharge) -> Bool {
        charge.isCreate && charge.request.resource == Pod.type.resource && QuotaUse.demanded.contains(name)
    }

    private func check(
        _ charge: QuotaCharge, quota: String, _ hard: QuotaUse.Amounts, _ used: QuotaUse.Amounts
    ) throws(Status) {
        let exceeded = hard.filter { name, most in
            (used[name] ?? Quantity(0)) + (charge.use[name] ?? Quantity(0)) > most
        }.keys.sorted()
        guard !exceeded.isEmpty else { return }
        func list(_ amount: (String) -> Quantity) -> String {
            exceeded.map { "\($0)=\(amount($0))" }.joined(separator: ",")
        }
        let zero = Quantity(0)
        // An update is told what it adds, and what is used with the object as it was.
        let requested = list { (charge.use[$0] ?? zero) - (charge.before[$0] ?? zero) }
        let inUse = list { (used[$0] ?? zero) + (charge.before[$0] ?? zero) }
        throw charge.refusal(
            "exceeded quota: \(quota), requested: \(requested), used: \(inUse), limited: \(list { hard[$0] ?? zero })")
    }

    /// What all other objects use that the quota covers.
    private func total(_ charge: QuotaCharge, _ spec: JSON, _ items: [Stored]) throws(Status)
        -> QuotaUse.Amounts
    {
        var total: QuotaUse.Amounts = [:]
        for stored in items where charge.isCreate || stored.key.name != charge.request.name {
            let entry = try entry(stored, charge.request.now)
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
