import Shared

/// The check of whole objects inside custom ones. Source: apiextensions `schema/objectmeta.Validate`.
extension StructuralSchema {
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
