import Shared

/// Whole objects inside custom ones. Source: apiextensions `schema/objectmeta`.
extension StructuralSchema {
    /// `object` with the metadata of the objects inside in its stored form.
    /// - Parameter unknown: gets the paths of the fields that no metadata has, at most `Limits.strictErrorsMax`.
    func readEmbedded(_ object: JSON, _ unknown: inout [String]) throws(Schema.Unreadable) -> JSON {
        hasEmbedded ? try coerce(Field(object), &unknown) : object
    }

    private func coerce(_ field: Field, _ unknown: inout [String]) throws(Schema.Unreadable) -> JSON {
        guard hasEmbedded else { return field.json }
        switch field.json {
        case .object(let members):
            var result = JSON.Members()
            result.reserveCapacity(members.count)
            for (key, value) in members {
                if isEmbedded, StructuralSchema.embeddedKeys.contains(key) {
                    result.append(key, try StructuralSchema.coerce(field[key], key, &unknown))
                } else if let named = self[key] {
                    result.append(key, try named.coerce(field[key], &unknown))
                } else if case .schema(let schema) = others {
                    result.append(key, try schema.coerce(field.entry(key), &unknown))
                } else {
                    result.append(key, value)
                }
            }
            return .object(result)
        case .array(let list):
            guard let items else { return field.json }
            var result: [JSON] = []
            result.reserveCapacity(list.count)
            for item in field.items { result.append(try items.coerce(item, &unknown)) }
            return .array(result)
        default: return field.json
        }
    }

    /// What every object has: `apiVersion`, `kind`, `metadata`.
    private static func coerce(
        _ field: Field, _ key: String, _ unknown: inout [String]
    ) throws(Schema.Unreadable) -> JSON {
        func unreadable(_ why: String) -> Schema.Unreadable {
            Schema.Unreadable(message: "\(field.path): Invalid value: \(field.json.goText): \(why)")
        }
        if key != "metadata" {
            guard case .string = field.json else { throw unreadable("must be a string") }
            return field.json
        }
        if field.isAbsent { return field.json }
        do throws(Schema.Unreadable) {
            var (metadata, others) = try Schema.metadata(field.json)
            unknown += others.prefix(max(0, Limits.strictErrorsMax - unknown.count)).map { "\(field.path).\($0)" }
            if metadata["creationTimestamp"].isNull { metadata.remove("creationTimestamp") }
            return metadata
        } catch {
            throw unreadable(error.message)
        }
    }

    /// What is wrong with the kinds and the metadata of the objects inside `object`.
    func validateEmbedded(_ object: JSON) -> [FieldError] {
        guard hasEmbedded else { return [] }
        var errors: FieldErrors = []
        checkEmbedded(Field(object), &errors)
        return errors
    }

    private func checkEmbedded(_ field: Field, _ errors: inout FieldErrors) {
        guard hasEmbedded, errors.count < Limits.fieldErrorsMax else { return }
        switch field.json {
        case .object(let members):
            if isEmbedded { StructuralSchema.embedded(field, members, &errors) }
            for (key, _) in members {
                if let named = self[key] {
                    named.checkEmbedded(field[key], &errors)
                } else if case .schema(let schema) = others {
                    schema.checkEmbedded(field.entry(key), &errors)
                }
            }
        case .array:
            for item in field.items { items?.checkEmbedded(item, &errors) }
        default: break
        }
    }

    private static func embedded(_ field: Field, _ members: JSON.Members, _ errors: inout FieldErrors) {
        for key in ["apiVersion", "kind"] where members[key] == nil { errors.required(field[key], "must not be empty") }
        if let json = members["apiVersion"] {
            text(field["apiVersion"], json, &errors) { text in
                text.split(separator: "/", omittingEmptySubsequences: false).count > 2
                    ? "unexpected GroupVersion string: \(text)" : nil
            }
        }
        if let json = members["kind"] {
            text(field["kind"], json, &errors) { text in
                let texts = NameText.label1035(text.lowercased())
                return texts.isEmpty
                    ? nil : "may have mixed case, but should otherwise match: " + texts.joined(separator: ",")
            }
        }
        guard members["metadata"] != nil else { return }
        Validation.metadataEmbedded(field["metadata"], &errors)
    }

    /// - Parameter fault: what is wrong with a text that is not empty.
    private static func text(
        _ field: Field, _ json: JSON, _ errors: inout FieldErrors, _ fault: (String) -> String?
    ) {
        guard case .string(let text) = json else {
            errors.invalid(field, "must be a string")
            return
        }
        if let detail = text.isEmpty ? "must not be empty" : fault(text) { errors.invalid(field, detail) }
    }
}
