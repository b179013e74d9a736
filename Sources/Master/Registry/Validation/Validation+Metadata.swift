import Shared

/// `metadata` of every kind. Source: apimachinery `api/validation/objectmeta.go`.
extension Validation {
    static func metadata(_ meta: Field, _ resource: Resource, _ errors: inout FieldErrors) {
        guard resource.strategy.nameRule != .any else { return }
        let name = meta["name"].text
        let base = meta["generateName"].text
        if !base.isEmpty {
            for text in nameTexts(
                base.hasSuffix("-") ? String(base.dropLast()) + "a" : base, resource.strategy.nameRule)
            {
                errors.invalid(meta["generateName"], text)
            }
        }
        if name.isEmpty {
            if base.isEmpty { errors.required(meta["name"], "name or generateName is required") }
        } else {
            errors.check(meta["name"], nameTexts(name, resource.strategy.nameRule))
        }
        let namespace = meta["namespace"]
        if resource.isNamespaced {
            if namespace.text.isEmpty {
                errors.required(namespace)
            } else {
                errors.check(namespace, NameText.label(namespace.text))
            }
        } else if !namespace.text.isEmpty {
            errors.forbidden(namespace, "not allowed on this type")
        }
        metadataWhole(meta, resource, &errors)
    }

    /// The metadata of an object inside a custom one: it may have no name, and lie in no namespace.
    static func metadataEmbedded(_ meta: Field, _ errors: inout FieldErrors) {
        let base = meta["generateName"]
        errors.check(base, NameText.pathSegment(base.text))
        errors.check(meta["name"], NameText.pathSegment(meta["name"].text))
        let namespace = meta["namespace"]
        if !namespace.text.isEmpty { errors.check(namespace, NameText.label(namespace.text)) }
        free(meta, &errors)
        finalizers(meta, isFree: true, &errors)
    }

    /// The rules of metadata whose names are known to be right.
    static func metadataWhole(_ meta: Field, _ resource: Resource, _ errors: inout FieldErrors) {
        free(meta, &errors)
        // Definitions and custom objects follow the looser rule of all objects.
        finalizers(meta, isFree: resource.custom != nil || resource.group == "apiextensions.k8s.io", &errors)
    }

    static func nameTexts(_ name: String, _ rule: Strategy.NameRule) -> [String] {
        switch rule {
        case .subdomain: NameText.subdomain(name)
        case .label: NameText.label(name)
        case .label1035: NameText.label1035(name)
        case .pathSegment: NameText.pathSegment(name)
        case .any: []
        }
    }

    /// What a client may change at any time.
    private static func free(_ meta: Field, _ errors: inout FieldErrors) {
        if let generation = meta["generation"].int, generation < 0 {
            errors.invalid(meta["generation"], "must be greater than or equal to 0")
        }
        labels(meta["labels"], &errors)
        annotations(meta["annotations"], &errors)
        var controller: String?
        for owner in meta["ownerReferences"].items {
            // Kubernetes names the list here, not the item.
            let list = meta["ownerReferences"]
            let version = list["apiVersion"].with(.string(owner["apiVersion"].text))
            if version.text.isEmpty || version.text.split(separator: "/").count > 2 || version.text.hasPrefix("/")
                || version.text.hasSuffix("/")
            {
                errors.invalid(version, "version must not be empty")
            }
            for (key, text) in [
                ("kind", "kind must not be empty"), ("name", "name must not be empty"),
                ("uid", "uid must not be empty"),
            ]
            where owner[key].text.isEmpty {
                errors.invalid(list[key].with(""), text)
            }
            if version.text == "v1", owner["kind"].text == "Event" {
                errors.invalid(list.with(owner.json), "/v1, Kind=Event is disallowed from being an owner")
            }
            guard owner["controller"].bool else { continue }
            if let first = controller {
                errors.invalid(
                    meta["ownerReferences"],
                    "Only one reference can have Controller set to true. Found \"true\" in references for \(first) and "
                        + owner["name"].text)
            }
            controller = owner["name"].text
        }
    }

    /// The finalizers' names; looked at in whole objects only.
    ///
    /// - Parameter isFree: a name need not be known or qualified.
    private static func finalizers(_ meta: Field, isFree: Bool, _ errors: inout FieldErrors) {
        for finalizer in meta["finalizers"].items {
            let name = finalizer.text
            let known = isFree || ["orphan", "foregroundDeletion", "kubernetes"].contains(name)
            let texts = NameText.qualified(name)
            errors.check(meta["finalizers"].with(finalizer.json), texts)
            if texts.isEmpty, !known, !name.contains("/") {
                errors.invalid(
                    finalizer,
                    "name is neither a standard finalizer name nor is it fully qualified")
            }
        }
        let finalizers = meta["finalizers"].json.items.compactMap(\.string)
        if finalizers.contains("orphan"), finalizers.contains("foregroundDeletion") {
            errors.invalid(meta["finalizers"], "finalizer orphan and foregroundDeletion cannot be both set")
        }
    }

    static func labels(_ labels: Field, _ errors: inout FieldErrors) {
        for (key, value) in labels.json.members {
            for text in NameText.qualified(key) { errors.invalid(labels.with(.string(key)), text) }
            for text in NameText.labelValue(value.string ?? "") { errors.invalid(labels.with(value), text) }
        }
    }

    static func annotations(_ annotations: Field, _ errors: inout FieldErrors) {
        var size = 0
        for (key, value) in annotations.json.members {
            size += key.utf8.count + (value.string ?? "").utf8.count
            for text in NameText.qualified(key.lowercased()) { errors.invalid(annotations.with(.string(key)), text) }
        }
        if size > 262_144 { errors.tooLong(annotations, bytes: 262_144) }
    }

    static func metadataUpdate(_ meta: Field, _ old: Field, _ resource: Resource, _ errors: inout FieldErrors) {
        free(meta, &errors)
        if !old["deletionTimestamp"].isAbsent {
            let before = old["finalizers"].json.items
            for added in meta["finalizers"].json.items where !before.contains(added) {
                errors.forbidden(
                    meta["finalizers"],
                    "no new finalizers can be added if the object is being deleted, found new finalizers "
                        + "[]string{\(added.encodedText)}")
            }
        }
        if let number = meta["generation"].int, number < old["generation"].int ?? 0 {
            errors.invalid(meta["generation"], "must not be decremented")
        }
        for key in ["name", "namespace", "uid", "creationTimestamp"] where meta[key].json != old[key].json {
            let isSame = meta[key].text.isEmpty && old[key].text.isEmpty
            if !isSame { errors.invalid(meta[key], "field is immutable") }
        }
    }

    /// A label selector.
    static func selector(_ selector: Field, _ errors: inout FieldErrors) {
        labels(selector["matchLabels"], &errors)
        for expression in selector["matchExpressions"].items {
            let values = expression["values"].json.items
            switch expression["operator"].text {
            case "In", "NotIn":
                if values.isEmpty {
                    errors.required(expression["values"], "must be specified when `operator` is 'In' or 'NotIn'")
                }
            case "Exists", "DoesNotExist":
                if !values.isEmpty {
                    errors.forbidden(
                        expression["values"], "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
                }
            default: errors.invalid(expression["operator"], "not a valid selector operator")
            }
            let key = expression["key"]
            errors.check(key, NameText.qualified(key.text))
            for value in expression["values"].items { errors.check(value, NameText.labelValue(value.text)) }
        }
    }
}
