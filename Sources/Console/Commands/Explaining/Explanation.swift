import Shared

/// A kind or one of its fields in words, as the server's OpenAPI document has them. Pure.
///
/// The form is kubectl's. Source: k8s.io/kubectl `explain/v2/templates/plaintext.tmpl`.
struct Explanation {
    let resource: ServedResource
    let schemas: PublishedSchemas
    /// The schema of the kind itself.
    let root: JSON

    /// - Parameters:
    ///   - path: names of fields from the kind on; arrays and maps are looked through.
    ///   - isDeep: all fields below, without their descriptions.
    /// - Throws: a sentence that names the field that is not there.
    func text(_ path: [String], isDeep: Bool) throws(Failure) -> String {
        let type = resource.type
        var lines = type.group.isEmpty ? [] : ["GROUP:      \(type.group)"]
        lines += ["KIND:       \(type.kind)", "VERSION:    \(type.version)", ""]
        let schema = try field(path)
        if let name = path.last {
            lines.append("FIELD: \(name) <\(word(schema))>")
            let choices = self.choices(schema)
            lines += choices.isEmpty ? ["", ""] : ["ENUM:"] + choices.map { "    \($0)" } + [""]
        }
        lines.append("DESCRIPTION:")
        let words = description(schema)
        lines += words.isEmpty ? ["    <empty>"] : words.flatMap { Explanation.wrap($0) } + ["    "]
        let inner = content(schema)
        if !inner["properties"].members.isEmpty {
            lines.append("FIELDS:")
            lines += isDeep ? outline(inner, level: 1, within: []) : fields(inner)
        }
        return lines.joined(separator: "\n") + "\n\n"
    }

    /// The schema at the end of a path.
    private func field(_ path: [String]) throws(Failure) -> JSON {
        var schema = root
        for (index, name) in path.enumerated() {
            let properties = content(schema)["properties"]
            guard properties[name].object != nil else {
                let near = NearMatches.of(name, among: properties.members.map(\.key))
                let place = ([resource.singular] + path.prefix(index)).joined(separator: ".")
                let hint =
                    near.isEmpty
                    ? "kconsole explain \(place) lists those there are"
                    : "did you mean \(near.joined(separator: " or "))?"
                throw Failure("error: field \"\(name)\" does not exist in \(place); \(hint)")
            }
            schema = properties[name]
        }
        return schema
    }

    /// What lies inside references, arrays and maps: the schema with the fields.
    private func content(_ schema: JSON) -> JSON {
        var schema = schemas.resolve(schema)
        for _ in 0..<16 {
            if schema["items"].object != nil {
                schema = schemas.resolve(schema["items"])
            } else if schema["additionalProperties"].object != nil, schema["properties"].members.isEmpty {
                schema = schemas.resolve(schema["additionalProperties"])
            } else {
                break
            }
        }
        return schema
    }

    /// What is said of the field, then of its type, then of what that holds.
    private func description(_ schema: JSON, depth: Int = 0) -> [String] {
        guard depth < 16 else { return [] }
        let own = schema["description"].string.map { $0.isEmpty ? [] : [$0] } ?? []
        let inner =
            reference(schema) ?? (schema["items"].object != nil ? schema["items"] : schema["additionalProperties"])
        return inner.object == nil ? own : own + description(inner, depth: depth + 1)
    }

    private func reference(_ schema: JSON) -> JSON? {
        guard schema["$ref"].string != nil || schema["allOf"][0]["$ref"].string != nil else { return Optional.none }
        return schemas.resolve(schema)
    }

    /// The type in a word: `integer`, `[]Container`, `map[string]string`.
    private func word(_ schema: JSON, depth: Int = 0) -> String {
        guard depth < 16 else { return "Object" }
        if schema["items"].object != nil { return "[]" + word(schema["items"], depth: depth + 1) }
        if schema["additionalProperties"].object != nil {
            return "map[string]" + word(schema["additionalProperties"], depth: depth + 1)
        }
        let name = schema["$ref"].string ?? schema["allOf"][0]["$ref"].string
        if let name, let target = reference(schema) {
            if let type = target["type"].string, type != "object" { return word(target, depth: depth + 1) }
            return name.split(whereSeparator: { $0 == "." || $0 == "/" }).last.map(String.init) ?? "Object"
        }
        let type = schema["type"].string ?? "Object"
        return type == "object" ? "Object" : type
    }

    private func choices(_ schema: JSON) -> [String] {
        schema["enum"].items.map { $0.string.map { $0.isEmpty ? "\"\"" : $0 } ?? $0.text }
    }

    private func fields(_ schema: JSON) -> [String] {
        let required = Set(schema["required"].items.compactMap(\.string))
        return schema["properties"].members.sorted { $0.key < $1.key }.flatMap { name, field in
            let texts = field["description"].string.map { [$0] } ?? description(field)
            return head(name, field, required, indent: "  ")
                + (texts.first.map(Explanation.wrap) ?? ["    <no description>"]) + [""]
        }
    }

    /// All fields below, each deeper level set in; a type that holds itself is not opened again.
    private func outline(_ schema: JSON, level: Int, within: [JSON]) -> [String] {
        let required = Set(schema["required"].items.compactMap(\.string))
        let indent = String(repeating: "  ", count: level)
        return schema["properties"].members.sorted { $0.key < $1.key }.flatMap { name, field -> [String] in
            let inner = content(field)
            let own = head(name, field, required, indent: indent)
            guard level < 24, !inner["properties"].members.isEmpty, inner != schema, !within.contains(inner) else {
                return own
            }
            return own + outline(inner, level: level + 1, within: within + [schema])
        }
    }

    private func head(_ name: String, _ field: JSON, _ required: Set<String>, indent: String) -> [String] {
        var choices = self.choices(field)
        // Long lists are told where the field itself is explained.
        if choices.count > 4 { choices = choices.prefix(4) + ["...."] }
        return ["\(indent)\(name)\t<\(word(field))>\(required.contains(name) ? " -required-" : "")"]
            + (choices.isEmpty ? [] : ["\(indent)enum: \(choices.joined(separator: ", "))"])
    }

    /// Lines of at most 76 characters, set in by four.
    private static func wrap(_ text: String) -> [String] {
        text.split(separator: "\n", omittingEmptySubsequences: false).flatMap { paragraph -> [String] in
            var lines: [String] = []
            var line = ""
            for word in paragraph.split(separator: " ", omittingEmptySubsequences: false) {
                if line.isEmpty, lines.isEmpty {
                    line = String(word)
                } else if line.count + 1 + word.count <= 76 {
                    line += " " + word
                } else {
                    lines.append(line)
                    line = String(word)
                }
            }
            return (lines + [line]).map { "    " + SafeLine.clean($0) }
        }
    }
}
