import Shared

/// Names of fields for people: `creationTimestamp` becomes `Creation Timestamp`. Pure. Source: kubectl's smartLabelFor and
/// the word splitting of github.com/fatih/camelcase.
enum SmartLabel {
    private static let acronyms: Set<String> = ["API", "URL", "UID", "OSB", "GUID"]

    static func of(_ field: String) -> String {
        guard field.allSatisfy({ $0.isLetter || $0 == "-" }) else { return field }
        return words(field).map { word in
            acronyms.contains(word.uppercased()) ? word.uppercased() : word.prefix(1).uppercased() + word.dropFirst()
        }.joined(separator: " ")
    }

    /// Runs of one class of letters; the last capital of a run belongs to the small letters behind it.
    private static func words(_ field: String) -> [String] {
        enum Class { case upper, lower, other }
        func kind(_ character: Character) -> Class {
            character.isUppercase ? .upper : character.isLetter ? .lower : .other
        }
        var runs: [(kind: Class, text: String)] = []
        for character in field {
            if let last = runs.last, last.kind == kind(character) {
                runs[runs.count - 1].text.append(character)
            } else {
                runs.append((kind(character), String(character)))
            }
        }
        for index in runs.indices.dropLast() where runs[index].kind == .upper && runs[index + 1].kind == .lower {
            let last = runs[index].text.removeLast()
            runs[index + 1].text.insert(last, at: runs[index + 1].text.startIndex)
        }
        return runs.map(\.text).filter { !$0.isEmpty }
    }
}

extension DescribeText {
    /// Any object, field by field.
    mutating func generic(_ object: JSON) {
        heading(object)
        var rest = object
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
                line(level, "\(label):")
                for item in items {
                    if item.object == nil { line(level + 1, ServerTable.text(item)) } else { fields(item, level + 1) }
                }
            default: line(level, "\(label):\t\(value.isNull ? "<nil>" : JSONPath.plain(value))")
            }
        }
    }
}
