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
            errors.check(group, NameText.subdomain(group.text))
            if !group.text.contains(".") { errors.invalid(group, "should be a domain with at least one dot") }
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

    private static func names(_ names: Field, _ errors: inout FieldErrors) {
        func check(_ key: String, mixed: Bool) {
            let name = names[key]
            if name.text.isEmpty {
                errors.required(name)
                return
            }
            for text in NameText.label1035(mixed ? name.text.lowercased() : name.text) {
                errors.invalid(name, mixed ? "may have mixed case, but should otherwise match: \(text)" : text)
            }
        }
        check("plural", mixed: false)
        check("singular", mixed: false)
        check("kind", mixed: true)
        check("listKind", mixed: true)
        for key in ["shortNames", "categories"] {
            for item in names[key].items { errors.check(item, NameText.label1035(item.text)) }
        }
        if !names["kind"].text.isEmpty, names["kind"].text == names["listKind"].text {
            errors.invalid(names["listKind"], "kind and listKind may not be the same")
        }
    }

    private static func conversion(_ conversion: Field, _ errors: inout FieldErrors) {
        guard conversion.isPresent else { return }
        errors.oneOf(conversion["strategy"], ["None", "Webhook"], required: true)
        if conversion["strategy"].text == "Webhook" {
            if conversion["webhook"]["clientConfig"].isAbsent {
                errors.required(
                    conversion["webhookClientConfig"], "required when strategy is set to Webhook")
            }
        } else if conversion["webhook"].isPresent {
            errors.forbidden(
                conversion["webhookClientConfig"], "should not be set when strategy is not set to Webhook")
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
                    }
                case "subresources": scale(place[key].with(version[key].json)["scale"], &errors)
                default: columns(place[key].with(version[key].json), &errors)
                }
            }
        }
        for version in list { errors.check(version["name"], NameText.label1035(version["name"].text)) }
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

    private static func scale(_ scale: Field, _ errors: inout FieldErrors) {
        guard scale.isPresent else { return }
        for (key, roots) in [
            ("specReplicasPath", [".spec"]), ("statusReplicasPath", [".status"]),
            ("labelSelectorPath", [".spec", ".status"]),
        ] {
            let path = scale[key]
            if path.text.isEmpty {
                if key != "labelSelectorPath" { errors.required(path) }
            } else if !path.text.hasPrefix(".") || path.text.contains("[") {
                errors.invalid(path, "must be a simple json path starting with .")
            } else if !roots.contains(where: { path.text.hasPrefix($0 + ".") }) {
                errors.invalid(path, "should be a json path under \(roots.joined(separator: " or "))")
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
