import Shared

/// `metadata.managedFields`: which writer owns which fields. A value; what a write makes of it is computed by
/// `ManagedFields+Update` and `ManagedFields+Apply`.
/// Source: apimachinery `util/managedfields/internal`.
struct ManagedFields: Sendable, Equatable {
    /// Who writes, and how. Each has one entry.
    struct Manager: Sendable, Hashable {
        enum Operation: String, Sendable { case apply = "Apply", update = "Update" }
        var name: String
        var operation: Operation
        var apiVersion: String
        /// Empty for the object itself.
        var subresource = ""

        /// Writes of one version and of another are one applier's.
        func isSame(_ other: Manager) -> Bool {
            name == other.name && operation == other.operation && subresource == other.subresource
                && (operation == .apply || apiVersion == other.apiVersion)
        }

        /// By this text managers are told apart and sorted.
        fileprivate var identity: String {
            var json: JSON = [:]
            if !name.isEmpty { json["manager"] = .string(name) }
            json["operation"] = .string(operation.rawValue)
            if operation == .update { json["apiVersion"] = .string(apiVersion) }
            if !subresource.isEmpty { json["subresource"] = .string(subresource) }
            return json.text
        }

        /// `"kubectl" using apps/v1`, as conflicts name it.
        var shown: String {
            var text = name.goQuoted
            if !subresource.isEmpty { text += " with subresource \(subresource.goQuoted)" }
            if operation == .update { text += " using \(apiVersion)" }
            return text
        }
    }

    struct Entry: Sendable, Equatable {
        var manager: Manager
        /// Seconds matter, fractions are not kept.
        var time: Timestamp?
        var fields: Owned
    }

    /// The fields of an entry, read from their JSON form only when they change.
    enum Owned: Sendable, Equatable {
        case written(JSON)
        case read(FieldSet)

        var set: FieldSet {
            switch self {
            case .written(let json): FieldSet(json) ?? FieldSet()
            case .read(let set): set
            }
        }
        var json: JSON {
            switch self {
            case .written(let json): json
            case .read(let set): set.json
            }
        }
    }

    private(set) var entries: [Entry] = []

    init() {}

    /// Reads the list of an object that this server stored.
    init(stored json: JSON) { entries = json.items.compactMap { Entry($0, isTrusted: true) } }

    /// Reads the list that a client sent; nil when it is none.
    init?(sent json: JSON) {
        for item in json.items {
            guard let entry = Entry(item, isTrusted: false) else { return nil }
            entries.append(entry)
        }
    }

    var isEmpty: Bool { entries.isEmpty }

    /// The list as objects carry it: appliers first, then by time and name; null when there is none.
    var json: JSON {
        if entries.isEmpty { return .null }
        return .array(entries.sorted(by: ManagedFields.areInOrder).map(\.json))
    }

    private static func areInOrder(_ left: Entry, _ right: Entry) -> Bool {
        let (a, b) = (left.manager, right.manager)
        if a.operation != b.operation { return a.operation == .apply }
        let (early, late) = (left.time?.seconds ?? 0, right.time?.seconds ?? 0)
        if early != late { return early < late }
        return (a.name, a.apiVersion, a.subresource) < (b.name, b.apiVersion, b.subresource)
    }

    /// Whether the lists differ in nothing but the times.
    static func agree(_ left: JSON, _ right: JSON) -> Bool {
        guard left.items.count == right.items.count else { return false }
        func isSame(_ one: JSON, _ other: JSON) -> Bool {
            one.members.allSatisfy { $0.key == "time" || other[$0.key] == $0.value }
        }
        // Times decide the order as well.
        return left.items.allSatisfy { one in right.items.contains { isSame(one, $0) && isSame($0, one) } }
    }

    // MARK: Entries

    mutating func touch(_ index: Int, at time: Timestamp) { entries[index].time = time }

    func index(of manager: Manager) -> Int? { entries.firstIndex { $0.manager.isSame(manager) } }

    /// Replaces the entry of a manager; an empty set removes it.
    mutating func set(_ manager: Manager, _ fields: FieldSet, at time: Timestamp?) {
        let index = index(of: manager)
        if fields.isEmpty {
            if let index { entries.remove(at: index) }
            return
        }
        let entry = Entry(manager: manager, time: time ?? index.flatMap { entries[$0].time }, fields: .read(fields))
        if let index { entries[index] = entry } else { entries.append(entry) }
    }

    /// Changes the sets of all entries that `isChanged` picks, and drops those that end up empty.
    mutating func change(where isChanged: (Entry) -> Bool, _ change: (FieldSet) -> FieldSet) {
        for index in entries.indices where isChanged(entries[index]) {
            entries[index].fields = .read(change(entries[index].fields.set))
        }
        dropEmpty()
    }
    mutating func dropEmpty() {
        entries.removeAll { entry in if case .read(let set) = entry.fields { set.isEmpty } else { false } }
    }

    /// The name under which the oldest writers are kept together.
    private static let ancient = "ancient-changes"

    /// Unites the oldest update entries of one version until at most `Limits.updateManagersMax` are left.
    mutating func unite() {
        var updaters = entries.filter { $0.manager.operation == .update }
        guard updaters.count > Limits.updateManagersMax else { return }
        updaters.sort { ($0.time?.seconds ?? 0, $0.manager.identity) < ($1.time?.seconds ?? 0, $1.manager.identity) }
        var count = updaters.count
        var firsts: [String: Manager] = [:]
        for updater in updaters where count > Limits.updateManagersMax {
            let version = updater.manager.apiVersion
            let bucket = Manager(name: ManagedFields.ancient, operation: .update, apiVersion: version)
            guard let first = firsts[version] else {
                firsts[version] = updater.manager
                continue
            }
            var united = updater.fields.set
            if let index = index(of: bucket) {
                united.formUnion(entries[index].fields.set)
            } else if let index = index(of: first) {
                united.formUnion(entries[index].fields.set)
                entries.remove(at: index)
            }
            if let index = index(of: updater.manager) { entries.remove(at: index) }
            set(bucket, united, at: updater.time)
            count -= 1
        }
    }
}

extension ManagedFields.Entry {
    /// - Parameter isTrusted: this server has written the entry, so that its fields need not be looked at.
    fileprivate init?(_ json: JSON, isTrusted: Bool) {
        let type = json["fieldsType"].string ?? ""
        guard let operation = ManagedFields.Manager.Operation(rawValue: json["operation"].string ?? ""),
            type == "FieldsV1", json["apiVersion"].string?.isEmpty == false
        else { return nil }
        manager = .init(
            name: json["manager"].string ?? "", operation: operation, apiVersion: json["apiVersion"].string ?? "",
            subresource: json["subresource"].string ?? "")
        time = json["time"].string.flatMap { Timestamp(rfc3339: $0) }
        if isTrusted {
            fields = .written(json["fieldsV1"])
        } else {
            guard let set = FieldSet(json["fieldsV1"]) else { return nil }
            fields = .read(set)
        }
    }

    fileprivate var json: JSON {
        var members = JSON.Members()
        members.reserveCapacity(7)
        if !manager.name.isEmpty { members.append("manager", .string(manager.name)) }
        members.append("operation", .string(manager.operation.rawValue))
        if !manager.apiVersion.isEmpty { members.append("apiVersion", .string(manager.apiVersion)) }
        if let time { members.append("time", .string(time.rfc3339)) }
        members.append("fieldsType", "FieldsV1")
        members.append("fieldsV1", fields.json)
        if !manager.subresource.isEmpty { members.append("subresource", .string(manager.subresource)) }
        return .object(members)
    }
}
