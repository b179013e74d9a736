import Shared

/// The form that objects carry: `{"f:data":{".":{},"f:a":{}}}`. Source: structured-merge-diff `fieldpath/serialize.go`.
extension FieldSet {
    /// Reads `fieldsV1`; nil when it is none. Steps are brought into their canonical spelling.
    init?(_ json: JSON) { self.init(json, depth: 0) }

    private init?(_ json: JSON, depth: Int) {
        guard case .object(let members) = json, depth <= Limits.nestingMax else { return nil }
        var nodes: [Node] = []
        nodes.reserveCapacity(members.count)
        for (key, value) in members where key != "." {
            guard let step = PathStep.canonical(key), case .object(let inner) = value else { return nil }
            if inner.isEmpty {
                nodes.append(Node(step: step, isMember: true))
            } else {
                guard let below = FieldSet(value, depth: depth + 1) else { return nil }
                nodes.append(Node(step: step, isMember: inner.contains { $0.key == "." }, below: below))
            }
        }
        self.init(nodes)
    }

    var json: JSON {
        var members = JSON.Members()
        members.reserveCapacity(nodes.count)
        for node in nodes { members.append(node.step, node.json) }
        return .object(members)
    }
}

extension FieldSet.Node {
    fileprivate var json: JSON {
        if below.isEmpty { return [:] }
        guard isMember else { return below.json }
        var members = JSON.Members()
        members.append(".", [:])
        for (key, value) in below.json.members { members.append(key, value) }
        return .object(members)
    }
}

/// The spelling of one step. Source: structured-merge-diff `fieldpath/serialize-pe.go`, `element.go`.
enum PathStep {
    static func field(_ name: String) -> String { "f:" + name }
    /// An item of a set.
    static func value(_ value: JSON) -> String { "v:" + value.text }
    /// An item of a list that has keys; sorted by name.
    static func key(_ fields: [(name: String, value: JSON)]) -> String {
        var members = JSON.Members()
        for field in fields.sorted(by: { $0.name < $1.name }) { members.set(field.name, field.value) }
        return "k:" + JSON.object(members).text
    }

    /// The same step as this server spells it; nil when the text is no step.
    static func canonical(_ text: String) -> String? {
        let rest = text.dropFirst(2)
        switch text.prefix(2) {
        case "f:": return text
        case "i:": return Int(rest).map { "i:\($0)" }
        case "v:": return (try? JSON(parsing: Array(rest.utf8))).map(value)
        case "k:":
            guard case .object(let members)? = try? JSON(parsing: Array(rest.utf8)) else { return nil }
            return key(members.map { ($0.key, $0.value) })
        default: return nil
        }
    }

    /// As errors show it: `.spec`, `[name="web"]`, `[="a"]`, `[0]`.
    static func shown(_ step: String) -> String {
        let rest = step.dropFirst(2)
        switch step.prefix(2) {
        case "f:": return "." + rest
        case "i:": return "[\(rest)]"
        case "v:": return "[=\(rest)]"
        default:
            let members = ((try? JSON(parsing: Array(rest.utf8))) ?? .null).members
            return "[" + members.map { "\($0.key)=\(text($0.value))" }.joined(separator: ",") + "]"
        }
    }
    static func shown(_ path: some Sequence<String>) -> String { path.map(shown).joined() }

    private static func text(_ value: JSON) -> String {
        if case .string(let text) = value { return text.goQuoted }
        return value.text
    }
}
