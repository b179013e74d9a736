import Shared

/// Persistent volumes and claims on them. Source: `ValidatePersistentVolumeSpec`, `ValidatePersistentVolumeClaimSpec`.
extension Validation {
    static func claim(_ spec: Field, _ errors: inout FieldErrors) {
        let modes = spec["accessModes"]
        if modes.json.items.isEmpty { errors.required(modes, "at least 1 access mode is required") }
        if spec["selector"].isPresent { selector(spec["selector"], &errors) }
        accessModes(modes, &errors)
        let storage = spec["resources"].with(spec["resources"]["requests"].json).entry("storage")
        if storage.isAbsent {
            errors.required(storage)
        } else if let quantity = storage.quantity, quantity.isZero || quantity.isNegative {
            errors.invalid(storage, "must be greater than zero")
        }
        if !spec["storageClassName"].text.isEmpty {
            errors.check(spec["storageClassName"], NameText.subdomain(spec["storageClassName"].text))
        }
        if spec["volumeMode"].isPresent { errors.oneOf(spec["volumeMode"], ["Block", "Filesystem"]) }
        for key in ["dataSource", "dataSourceRef"] where spec[key].isPresent { dataSource(spec[key], &errors) }
        let (source, reference) = (spec["dataSource"], spec["dataSourceRef"])
        let shown = source.path.goQuoted
        if !reference["namespace"].text.isEmpty {
            if source.isPresent {
                errors.invalid(spec, shown: shown, "may not be specified when dataSourceRef.namespace is specified")
            }
        } else if source.isPresent, reference.isPresent,
            ["apiGroup", "kind", "name"].contains(where: { source[$0].json != reference[$0].json })
        {
            errors.invalid(spec, shown: shown, "must match dataSourceRef")
        }
        if !spec["volumeAttributesClassName"].text.isEmpty {
            errors.check(
                spec["volumeAttributesClassName"], NameText.subdomain(spec["volumeAttributesClassName"].text))
        }
    }

    private static func dataSource(_ source: Field, _ errors: inout FieldErrors) {
        errors.nonEmpty(source["name"])
        errors.nonEmpty(source["kind"])
        let (group, kind) = (source["apiGroup"], source["kind"].text)
        if group.text.isEmpty {
            if kind != "PersistentVolumeClaim" {
                errors.invalid(
                    source.with(.string(kind)),
                    "must be 'PersistentVolumeClaim' when referencing the default apiGroup")
            }
        } else {
            errors.check(group, NameText.subdomain(group.text))
        }
        if !source["namespace"].text.isEmpty {
            errors.check(source["namespace"], NameText.label(source["namespace"].text))
        }
    }

    static func accessModes(_ modes: Field, _ errors: inout FieldErrors) {
        let known = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"]
        for mode in modes.json.items where !known.contains(mode.string ?? "") {
            errors.notSupported(modes.with(mode), known)
        }
        if modes.json.items.contains("ReadWriteOncePod"),
            modes.json.items.contains(where: { $0 != "ReadWriteOncePod" && known.contains($0.string ?? "") })
        {
            errors.forbidden(modes, "may not use ReadWriteOncePod with other access modes")
        }
    }

    static func persistentVolume(_ object: Field, _ errors: inout FieldErrors) {
        let spec = object["spec"]
        if spec["accessModes"].json.items.isEmpty { errors.required(spec["accessModes"]) }
        accessModes(spec["accessModes"], &errors)
        let capacity = spec["capacity"]
        if capacity.json.members.isEmpty { errors.required(capacity) }
        if capacity["storage"].isAbsent || capacity.json.members.count > 1 {
            errors.notSupported(capacity, ["storage"])
        }
        for (_, amount) in capacity.entries {
            guard let size = amount.quantity, size.isZero || size.isNegative else { continue }
            if size.isNegative { errors.invalid(amount, shown: "\(size.value)", "must be a valid resource quantity") }
            errors.invalid(amount, "must be greater than zero")
        }
        let policy = spec["persistentVolumeReclaimPolicy"]
        if !policy.text.isEmpty { errors.oneOf(policy, ["Delete", "Recycle", "Retain"]) }
        let affinity = spec["nodeAffinity"]
        if affinity.isPresent {
            if affinity["required"].isAbsent {
                errors.required(affinity["required"], "must specify required node constraints")
            } else {
                nodeSelector(affinity["required"], &errors)
            }
        }
        if spec["iscsi"]["initiatorName"].isPresent {
            let portal = spec["iscsi"]["targetPortal"].text
            targetLength(
                object["metadata"]["name"].text, portal, spec["iscsi"]["targetportal"].with(.string(portal)), &errors)
        }
        sources(spec, in: persistentSources, isPersistent: true, &errors)
        if spec["local"].isPresent, affinity.isAbsent {
            errors.required(affinity, "Local volume requires node affinity")
        }
        let isRoot = spec["hostPath"]["path"].text.split(separator: "/").allSatisfy { $0 == "." }
        if spec["hostPath"].isPresent, isRoot, spec["hostPath"]["path"].text.hasPrefix("/"), policy.text == "Recycle" {
            errors.forbidden(policy, "may not be 'recycle' for a hostPath mount of '/'")
        }
        if !spec["storageClassName"].text.isEmpty {
            errors.check(spec["storageClassName"], NameText.subdomain(spec["storageClassName"].text))
        }
        if spec["volumeMode"].isPresent { errors.oneOf(spec["volumeMode"], ["Block", "Filesystem"]) }
        attributesClass(spec, &errors)
    }

    private static func attributesClass(_ spec: Field, _ errors: inout FieldErrors) {
        let name = spec["volumeAttributesClassName"]
        guard name.isPresent else { return }
        if name.text.isEmpty {
            errors.required(name, "an empty string is disallowed")
        } else {
            errors.check(name, NameText.subdomain(name.text))
        }
        if spec["csi"].isAbsent {
            errors.required(spec["csi"], "has to be specified when using volumeAttributesClassName")
        }
    }
}
