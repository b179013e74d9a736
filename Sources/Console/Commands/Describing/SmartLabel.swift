import Shared

/// Names of fields for people: `creationTimestamp` becomes `Creation Timestamp`. Pure. Source: kubectl's smartLabelFor.
enum SmartLabel {
    private static let acronyms: Set<String> = ["UID", "API", "URL", "DNS", "FQDN", "CIDR", "IP", "TLS"]
    static func of(_ field: String) -> String {
        if field.contains(where: { $0 == "." || $0 == "/" || $0 == "-" || $0 == "_" }) { return field }
        var words: [String] = []
        var previous: Character?
        for character in field {
            if character.isUppercase, previous?.isUppercase != true { words.append("") }
            if words.isEmpty { words.append("") }
            words[words.count - 1].append(character)
            previous = character
        }
        return words.map { word in
            acronyms.contains(word.uppercased()) ? word.uppercased() : word.prefix(1).uppercased() + word.dropFirst()
        }.joined(separator: " ")
    }
}

extension DescribeText {
    /// Any object, field by field.
    mutating func generic(_ object: JSON) {
        heading(object)
        line(0, "API Version:\t\(object["apiVersion"].string ?? "")")
        line(0, "Kind:\t\(object["kind"].string ?? "")")
        var rest = object
        for key in ["apiVersion", "kind"] { rest.remove(key) }
        for key in ["name", "namespace", "labels", "annotations", "managedFields"] { rest["metadata"].remove(key) }
        fields(rest, 0)
    }

    private mutating func fields(_ object: JSON, _ level: Int) {
        for (key, value) in object.members.sorted() {
            let label = SmartLabel.of(key)
            switch value {
            case .object:
                line(level, "\(label):")
                fields(value, level + 1)
            case .array(let items):
                line(level, "\(label):" + (items.isEmpty ? "" : ""))
                for item in items {
                    if item.object == nil { line(level + 1, ServerTable.text(item)) } else { fields(item, level + 1) }
                }
            default: line(level, "\(label):\t\(value.isNull ? "<nil>" : JSONPath.plain(value))")
            }
        }
    }
}
