import Shared

/// Whether an applied configuration fits its type. Source: structured-merge-diff `typed/validate.go`.
struct ConfigurationCheck {
    private(set) var errors: [String] = []

    /// The complaint about a configuration; nil when there is none.
    static func complaint(about configuration: JSON, _ type: MergeType) -> String? {
        var check = ConfigurationCheck()
        check.visit(configuration, type, "")
        guard let first = check.errors.first else { return nil }
        return check.errors.count == 1 ? first : (["errors:"] + check.errors.map { "  " + $0 }).joined(separator: "\n")
    }

    private mutating func note(_ path: String, _ text: String) {
        if errors.count < Limits.fieldErrorsMax { errors.append(path.isEmpty ? text : "\(path): \(text)") }
    }

    private mutating func visit(_ value: JSON, _ type: MergeType, _ path: String) {
        if value.isNull { return }
        switch type.resolved(value) {
        case .scalar(let kind): visit(value, kind, path)
        case .atomic, .untyped: break
        case .map, .structure:
            guard case .object(let members) = value else { return note(path, "expected map, got &{\(value.goPlain)}") }
            for (key, value) in members {
                let place = path + PathStep.shown(PathStep.field(key))
                if case .structure(let structure) = type, structure.type(of: key) == nil, structure.others == nil {
                    return note(place, "field not declared in schema")
                }
                visit(value, type.resolved(.object(members)).member(key).type, place)
            }
        case .set, .keyed:
            guard case .array(let items) = value else { return note(path, "expected list, got &{\(value.goPlain)}") }
            visit(items, type, path)
        }
    }

    private mutating func visit(_ items: [JSON], _ type: MergeType, _ path: String) {
        var seen: Set<String> = []
        for (index, item) in items.enumerated() {
            let step: String
            do throws(ListIndex.Unusable) {
                step = try ListIndex.step(to: item, type)
            } catch {
                return note(path, "element \(index): \(error.text)")
            }
            if !seen.insert(step).inserted { note(path, "duplicate entries for key \(PathStep.shown(step))") }
            visit(item, type.element, path + PathStep.shown(step))
        }
    }

    private mutating func visit(_ value: JSON, _ kind: MergeType.Scalar, _ path: String) {
        switch (kind, value) {
        case (.string, .string), (.number, .int), (.number, .double), (.boolean, .bool): break
        case (.any, .string), (.any, .int), (.any, .double), (.any, .bool): break
        case (.string, _):
            note(path, "expected string, got &value.valueUnstructured{Value:\(value.goSyntax)}")
        case (.number, _): note(path, "expected numeric (int or float), got \(value.goType)")
        case (.boolean, _): note(path, "expected boolean, got &{\(value.goPlain)}")
        case (.any, _): note(path, "expected any scalar, got &{\(value.goPlain)}")
        }
    }
}

/// How Go prints values that have no type of their own.
extension JSON {
    /// `%v`.
    var goPlain: String { StrategicMergePatch.goText(self) }
    /// `%#v`.
    var goSyntax: String {
        switch self {
        case .null: "interface {}(nil)"
        case .string(let text): text.goQuoted
        case .array(let items): "\(goType){" + items.map(\.goSyntax).joined(separator: ", ") + "}"
        case .object(let members):
            "\(goType){" + members.sorted().map { "\($0.key.goQuoted):\($0.value.goSyntax)" }.joined(separator: ", ")
                + "}"
        default: text
        }
    }
}
