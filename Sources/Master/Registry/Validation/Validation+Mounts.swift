import Shared

/// Where the volumes of a pod are in its containers. Source: `ValidateVolumeMounts`, `ValidateVolumeDevices`.
extension Validation {
    static func mounts(_ container: Field, _ volumes: [String: JSON], _ errors: inout FieldErrors) {
        var paths: Set<String> = []
        for mount in container["volumeMounts"].items {
            errors.nonEmpty(mount["name"])
            if volumes[mount["name"].text] == nil { errors.notFound(mount["name"]) }
            let path = mount["mountPath"]
            if path.text.isEmpty { errors.required(path) }
            if !paths.insert(path.text).inserted { errors.invalid(path, "must be unique") }
            let others = container["volumeDevices"].json.items
            if others.contains(where: { $0["name"] == mount["name"].json }) {
                errors.invalid(mount["name"], "must not already exist in volumeDevices")
            }
            if others.contains(where: { $0["devicePath"] == path.json }) {
                errors.invalid(path, "must not already exist as a path in volumeDevices")
            }
            let isImage = volumes[mount["name"].text]?["image"].isNull == false
            for key in ["subPath", "subPathExpr"] where isImage && !mount[key].text.isEmpty {
                errors.invalid(mount[key], "not allowed in image volume sources")
            }
            if !mount["subPath"].text.isEmpty, !mount["subPathExpr"].text.isEmpty {
                errors.invalid(mount["subPathExpr"], "subPathExpr and subPath are mutually exclusive")
            }
            for key in ["subPath", "subPathExpr"] where !mount[key].text.isEmpty {
                relativePath(container["volumeMounts"][key].with(mount[key].json), &errors)
            }
            propagation(mount, container, &errors)
        }
        devices(container, volumes, &errors)
    }

    /// Kubernetes names the list, not the item. Source: `validateMountPropagation`, `validateMountRecursiveReadOnly`.
    private static func propagation(_ mount: Field, _ container: Field, _ errors: inout FieldErrors) {
        let propagation = mount["mountPropagation"]
        if propagation.isPresent {
            let field = container["volumeMounts"]["mountPropagation"].with(propagation.json)
            errors.oneOf(field, ["Bidirectional", "HostToContainer", "None"])
            if propagation.text == "Bidirectional", !container["securityContext"]["privileged"].bool {
                errors.forbidden(field, "Bidirectional mount propagation is available only to privileged containers")
            }
        }
        let recursion = container["volumeMounts"]["recursiveReadOnly"].with(mount["recursiveReadOnly"].json)
        guard recursion.isPresent, recursion.text != "Disabled" else { return }
        guard ["Enabled", "IfPossible"].contains(recursion.text) else {
            return errors.notSupported(recursion, ["Disabled", "Enabled", "IfPossible"])
        }
        if !mount["readOnly"].bool { errors.forbidden(recursion, "may only be specified when readOnly is true") }
        if propagation.isPresent, propagation.text != "None" {
            errors.forbidden(recursion, "may only be specified when mountPropagation is None or not specified")
        }
    }

    /// Source: `ValidateVolumeDevices`.
    private static func devices(_ container: Field, _ volumes: [String: JSON], _ errors: inout FieldErrors) {
        var devices: Set<String> = []
        var devicesByName: Set<String> = []
        for device in container["volumeDevices"].items {
            errors.nonEmpty(device["name"])
            if !device["name"].text.isEmpty, !devicesByName.insert(device["name"].text).inserted {
                errors.invalid(device["name"], "must be unique")
            }
            if let source = volumes[device["name"].text] {
                if source["persistentVolumeClaim"].isNull, source["ephemeral"].isNull {
                    errors.invalid(
                        device["name"],
                        "can only use volume source type of PersistentVolumeClaim for block mode")
                }
            } else {
                errors.notFound(device["name"])
            }
            let path = device["devicePath"]
            if path.text.isEmpty { errors.required(path) }
            if !devices.insert(path.text).inserted { errors.invalid(path, "must be unique") }
            if path.text.split(separator: "/").contains("..") {
                errors.invalid(path, "can not contain backsteps ('..')")
            }
            let others = container["volumeMounts"].json.items
            if others.contains(where: { $0["name"] == device["name"].json }) {
                errors.invalid(device["name"], "must not already exist in volumeMounts")
            }
            if others.contains(where: { $0["mountPath"] == path.json }) {
                errors.invalid(path, "must not already exist as a path in volumeMounts")
            }
        }
    }
}
