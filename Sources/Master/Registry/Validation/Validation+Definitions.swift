import Shared

/// Definitions of custom resources, without their schemas. Source: `apiextensions/validation`.
extension Validation {
    static func definition(_ object: Field, _ errors: inout FieldErrors) {
        let spec = object["spec"]
        let group = spec["group"]
        if object["metadata"]["name"].text != "\(spec["names"]["plural"].text).\(group.text)" {
            errors.invalid(object["metadata"]["name"], "must be spec.names.plural+\".\"+spec.group")
        }
        if group.text.isEmpty {
            errors.required(group)
        } else {
            joined(group, NameText.subdomain(group.text), &errors)
            if NameText.subdomain(group.text).isEmpty, !group.text.contains(".") {
                errors.invalid(group, "should be a domain with at least one dot")
            }
        }
        errors.oneOf(spec["scope"], ["Cluster", "Namespaced"], required: true)
        if spec["preserveUnknownFields"].bool {
            errors.invalid(
                spec["preserveUnknownFields"],
                "cannot set to true, set x-preserve-unknown-fields to true in spec.versions[*].schema instead")
        }
        versions(object, &errors)
        customSchemas(object, &errors)
        names(spec["names"], &errors)
        conversion(spec["conversion"], &errors)
        let isProtected = ["k8s.io", "kubernetes.io"].contains { group.text == $0 || group.text.hasSuffix(".\($0)") }
        let approval = object["metadata"]["annotations"].entry("api-approved.kubernetes.io")
        if isProtected, approval.text.isEmpty {
            errors.required(
                approval,
                "protected groups must have approval annotation \"api-approved.kubernetes.io\", see "
                    + "https://github.com/kubernetes/enhancements/pull/1111")
        }
    }

    private static func joined(
        _ field: Field, _ texts: [String], before start: String = "", _ errors: inout FieldErrors
    ) {
        if !texts.isEmpty { errors.invalid(field, start + texts.joined(separator: ",")) }
    }

    private static func names(_ names: Field, _ errors: inout FieldErrors) {
        let keys = ["plural", "singular", "kind", "listKind"]
        for key in keys { errors.nonEmpty(names[key]) }
        for key in keys where !names[key].text.isEmpty {
            let isMixed = key.hasSuffix("ind")
            let texts = NameText.label1035(isMixed ? names[key].text.lowercased() : names[key].text)
            let start = isMixed ? "may have mixed case, but should otherwise match: " : ""
            joined(names[key], texts, before: start, &errors)
        }
        for item in names["shortNames"].items { joined(item, NameText.label1035(item.text), &errors) }
        if !names["kind"].text.isEmpty, names["kind"].text == names["listKind"].text {
            errors.invalid(names["listKind"], "kind and listKind may not be the same")
        }
        for item in names["categories"].items { joined(item, NameText.label1035(item.text), &errors) }
    }

    private static func conversion(_ conversion: Field, _ errors: inout FieldErrors) {
        guard conversion.isPresent else { return }
        errors.oneOf(conversion["strategy"], ["None", "Webhook"], required: true)
        // These are told by the names that they had before.
        let client = conversion["webhookClientConfig"].with(conversion["webhook"]["clientConfig"].json)
        let versions = conversion["conversionReviewVersions"].with(
            conversion["webhook"]["conversionReviewVersions"].json)
        if conversion["strategy"].text == "Webhook" {
            if client.isAbsent {
                errors.required(client, "required when strategy is set to Webhook")
            } else {
                clientConfig(client, &errors)
            }
            reviewVersions(versions, absent: "", &errors)
        } else {
            for field in [client, versions] where field.isPresent && field.json != [] {
                errors.forbidden(field, "should not be set when strategy is not set to Webhook")
            }
        }
    }

    /// What all versions share, Kubernetes names in the specification itself.
    private static func versions(_ object: Field, _ errors: inout FieldErrors) {
        let spec = object["spec"]
        let list = spec["versions"].items
        for key in ["schema", "subresources", "additionalPrinterColumns"] {
            let isShared = Set(list.map { $0[key].json }).count <= 1
            for version in isShared ? Array(list.prefix(1)) : list {
                let place = isShared ? spec : version
                switch key {
                case "schema":
                    let schema = (isShared ? place["validation"] : place["schema"])["openAPIV3Schema"].with(
                        version["schema"]["openAPIV3Schema"].json)
                    if schema.isAbsent {
                        errors.required(version["schema"]["openAPIV3Schema"], "schemas are required")
                    } else if version["subresources"]["status"].isPresent {
                        rootOfStatus(schema, &errors)
                    }
                case "subresources": scale(place[key].with(version[key].json)["scale"], &errors)
                default: columns(place[key].with(version[key].json), &errors)
                }
            }
        }
        for version in list {
            joined(version["name"], NameText.label1035(version["name"].text), &errors)
            deprecation(version, &errors)
        }
        if Set(list.map { $0["name"].text }).count != list.count {
            errors.invalid(spec["versions"], "must contain unique version names")
        }
        let storing = list.filter { $0["storage"].bool }.map { $0["name"].text }
        if storing.count != 1 {
            errors.invalid(spec["versions"], "must have exactly one version marked as storage version")
        }
        let stored = object["status"]["storedVersions"]
        let kept = stored.isPresent ? stored.json.items.compactMap(\.string) : Array(storing.prefix(1))
        if kept.isEmpty {
            errors.invalid(stored.with(.array([])), "must have at least one stored version")
        }
        for name in storing where !kept.isEmpty && !kept.contains(name) {
            errors.invalid(stored.with(.string(name)), "must have the storage version \(name)")
        }
        for (index, name) in kept.enumerated() where !list.contains(where: { $0["name"].text == name }) {
            errors.invalid(
                stored[index].with(.string(name)),
                "missing from spec.versions; \(name) was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in \(name) and removes \(name) from status.storedVersions"
            )
        }
    }

    /// The schema of a status is cut out of the whole, so that nothing beside may say something about it.
    /// Source: `allowedFieldsAtRootSchema`.
    private static func rootOfStatus(_ schema: Field, _ errors: inout FieldErrors) {
        if !schema["type"].text.isEmpty, schema["type"].text != "object" {
            return errors.invalid(
                schema["type"],
                "only \"object\" is allowed as the type at the root of the schema if the status subresource is enabled")
        }
        let names = [
            "Description", "Type", "Format", "Title", "Maximum", "ExclusiveMaximum", "Minimum", "ExclusiveMinimum",
            "MaxLength", "MinLength", "Pattern", "MaxItems", "MinItems", "UniqueItems", "MultipleOf", "Required",
            "Items", "Properties", "ExternalDocs", "Example", "XPreserveUnknownFields", "XValidations",
        ]
        let allowed = Set(
            names.map { name in
                switch name {
                case "XPreserveUnknownFields": "x-kubernetes-preserve-unknown-fields"
                case "XValidations": "x-kubernetes-validations"
                default: name.prefix(1).lowercased() + name.dropFirst()
                }
            })
        let others = schema.json.members.filter { key, value in
            !allowed.contains(key) && !value.isNull && value != false && value != "" && value != []
        }
        guard !others.isEmpty else { return }
        errors.invalid(
            schema,
            "only [\(names.joined(separator: " "))] fields are allowed at the root of the schema if the status "
                + "subresource is enabled")
    }

    /// Source: `validateDeprecationWarning`.
    private static func deprecation(_ version: Field, _ errors: inout FieldErrors) {
        let warning = version["deprecationWarning"]
        guard warning.isPresent else { return }
        guard version["deprecated"].bool else {
            return errors.invalid(warning, "can only be set for deprecated versions")
        }
        if warning.text.utf8.count > 256 { errors.invalid(warning, "must be <= 256 characters long") }
        if warning.text.isEmpty { errors.invalid(warning, "must not be an empty string") }
        var place = 0
        for scalar in warning.text.unicodeScalars {
            if scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) {
                errors.invalid(
                    warning,
                    "must only contain printable UTF-8 characters; non-printable character found at index \(place)")
                break
            }
            place += String(scalar).utf8.count
        }
    }

    private static func scale(_ scale: Field, _ errors: inout FieldErrors) {
        guard scale.isPresent else { return }
        for (key, roots) in [
            ("specReplicasPath", [".spec"]), ("statusReplicasPath", [".status"]),
            ("labelSelectorPath", [".spec", ".status"]),
        ] {
            let path = scale[key]
            if path.text.isEmpty {
                if key != "labelSelectorPath" { errors.required(path) }
            } else if !path.text.hasPrefix(".") {
                errors.invalid(path, "must be a simple json path starting with .")
            } else if !roots.contains(where: { path.text.hasPrefix($0 + ".") }) {
                errors.invalid(
                    path,
                    "should be a json path under " + (roots.count > 1 ? "either .spec or .status" : roots[0]))
            }
        }
    }

    private static func columns(_ columns: Field, _ errors: inout FieldErrors) {
        let types = ["boolean", "date", "integer", "number", "string"]
        let formats = ["byte", "date", "date-time", "double", "float", "int32", "int64", "password"]
        for column in columns.items {
            if column["name"].text.isEmpty { errors.required(column["name"]) }
            if column["type"].text.isEmpty {
                errors.required(column["type"], "must be one of \(types.joined(separator: ","))")
            } else if !types.contains(column["type"].text) {
                errors.invalid(column["type"], "must be one of \(types.joined(separator: ","))")
            }
            if !column["format"].text.isEmpty, !formats.contains(column["format"].text) {
                errors.invalid(column["format"], "must be one of \(formats.joined(separator: ","))")
            }
            // The field's old name is the one that is told.
            let path = column["JSONPath"].with(.string(column["jsonPath"].text))
            if path.text.isEmpty {
                errors.required(path)
            } else if !path.text.hasPrefix(".") {
                errors.invalid(path, "must be a simple json path starting with .")
            }
        }
    }
}
