import Shared

/// The volumes of a pod and persistent volumes. Source: `validateVolumeSource`.
extension Validation {
    /// The volumes by name, for the mounts that follow.
    static func volumes(_ list: Field, _ errors: inout FieldErrors) -> [String: JSON] {
        var found: [String: JSON] = [:]
        for volume in list.items {
            sources(volume, except: ["name"], required: true, &errors)
            let name = volume["name"]
            if name.text.isEmpty {
                errors.required(name)
                continue
            }
            errors.check(name, NameText.label(name.text))
            if found[name.text] != nil { errors.duplicate(name) } else { found[name.text] = volume.json }
        }
        return found
    }

    /// Exactly one source, and that one complete.
    static func sources(_ volume: Field, except others: Set<String>, required: Bool, _ errors: inout FieldErrors) {
        var found = false
        for key in kinds where volume[key].isPresent && !others.contains(key) {
            if found {
                errors.forbidden(volume[key], "may not specify more than 1 volume type")
                continue
            }
            found = true
            source(key, volume[key == "gcePersistentDisk" ? "persistentDisk" : key].with(volume[key].json), &errors)
        }
        if !found, required { errors.required(volume, "must specify a volume type") }
    }

    static let kinds = [
        "emptyDir", "hostPath", "gitRepo", "gcePersistentDisk", "awsElasticBlockStore", "secret", "nfs", "iscsi",
        "glusterfs", "flocker", "persistentVolumeClaim", "rbd", "cinder", "cephfs", "quobyte", "downwardAPI", "fc",
        "flexVolume", "azureFile", "configMap", "vsphereVolume", "portworxVolume", "azureDisk", "storageos",
        "projected", "scaleIO", "csi", "ephemeral", "image", "local", "photonPersistentDisk",
    ]

    /// Fields that a source cannot do without.
    private static let needed: [String: [String]] = [
        "hostPath": ["path"], "secret": ["secretName"], "configMap": ["name"], "nfs": ["server", "path"],
        "persistentVolumeClaim": ["claimName"], "gcePersistentDisk": ["pdName"], "awsElasticBlockStore": ["volumeID"],
        "glusterfs": ["endpoints", "path"], "cinder": ["volumeID"], "flexVolume": ["driver"],
        "azureFile": ["secretName", "shareName"], "azureDisk": ["diskName", "diskURI"], "vsphereVolume": ["volumePath"],
        "portworxVolume": ["volumeID"], "quobyte": ["registry", "volume"], "gitRepo": ["repository"],
        "iscsi": ["targetPortal", "iqn"], "scaleIO": ["gateway", "system", "volumeName"], "csi": ["driver"],
        "local": ["path"], "image": ["reference"],
    ]

    private static func source(_ kind: String, _ source: Field, _ errors: inout FieldErrors) {
        for key in needed[kind] ?? [] where source[key].text.isEmpty {
            errors.required(source[key])
        }
        switch kind {
        case "emptyDir":
            if let size = source["sizeLimit"].quantity, size.isNegative {
                errors.forbidden(source["sizeLimit"], "SizeLimit field must be a valid resource quantity")
            }
        case "hostPath":
            if source["path"].text.split(separator: "/").contains("..") {
                errors.invalid(source["path"], "must not contain '..'")
            }
            if source["type"].isPresent {
                errors.oneOf(
                    source["type"],
                    [
                        "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate",
                        "Socket",
                    ])
            }
        case "secret", "configMap":
            mode(source["defaultMode"], &errors)
            keys(source["items"], &errors)
        case "downwardAPI":
            mode(source["defaultMode"], &errors)
            downward(source, &errors)
        case "projected": projected(source, &errors)
        case "nfs":
            if !source["path"].text.hasPrefix("/") {
                errors.invalid(source["path"].with(.string(source["path"].text)), "must be an absolute path")
            }
        case "csi":
            errors.check(
                source["driver"].with(.string(source["driver"].text)), NameText.subdomain(source["driver"].text))
        case "rbd":
            if source["monitors"].json.items.isEmpty { errors.required(source["monitors"]) }
            errors.nonEmpty(source["image"])
        case "cephfs": if source["monitors"].json.items.isEmpty { errors.required(source["monitors"]) }
        case "fc":
            if source["targetWWNs"].json.items.isEmpty == source["wwids"].json.items.isEmpty {
                errors.required(source["targetWWNs"], "must specify either targetWWNs or wwids, but not both")
            } else if !source["targetWWNs"].json.items.isEmpty, source["lun"].isAbsent {
                errors.required(source["lun"], "lun is required if targetWWNs is specified")
            }
        case "iscsi": iscsi(source, &errors)
        case "flocker":
            let name = source["datasetName"].text
            if name.isEmpty == source["datasetUUID"].text.isEmpty {
                if name.isEmpty {
                    errors.required(source, "one of datasetName and datasetUUID is required")
                } else {
                    errors.invalid(
                        source.with("resource"), "datasetName and datasetUUID can not be specified simultaneously")
                }
            }
            if name.contains("/") { errors.invalid(source["datasetName"], "must not contain '/'") }
        case "local":
            if source["path"].text.split(separator: "/").contains("..") {
                errors.invalid(source["path"], "must not contain '..'")
            }
        case "quobyte":
            for place in source["registry"].text.split(separator: ",") where place.split(separator: ":").count != 2 {
                errors.invalid(
                    source["registry"].with(.string(String(place))),
                    "must be a comma-separated list of <host:port> pairs")
            }
        case "azureDisk":
            if source["cachingMode"].isPresent {
                errors.oneOf(source["cachingMode"], ["None", "ReadOnly", "ReadWrite"])
            }
            if source["kind"].isPresent { errors.oneOf(source["kind"], ["Dedicated", "Managed", "Shared"]) }
        case "image":
            if source["pullPolicy"].isPresent {
                errors.oneOf(source["pullPolicy"], ["Always", "IfNotPresent", "Never"])
            }
        case "gitRepo":
            if source["directory"].text.split(separator: "/").contains("..") {
                errors.invalid(source["directory"], "must not contain '..'")
            }
        case "ephemeral":
            if source["volumeClaimTemplate"].isAbsent {
                errors.required(source["volumeClaimTemplate"])
            } else {
                claim(source["volumeClaimTemplate"]["spec"], &errors)
            }
        default: break
        }
    }

    private static func iscsi(_ source: Field, _ errors: inout FieldErrors) {
        let name = source["iqn"]
        if !name.text.isEmpty, !["iqn", "eui", "naa"].contains(where: name.text.hasPrefix) {
            errors.invalid(name, "must be valid format starting with iqn, eui, or naa")
        }
        if let unit = source["lun"].int, !(0...255).contains(unit) {
            errors.invalid(source["lun"], "must be between 0 and 255, inclusive")
        }
        let usesSecret = source["chapAuthDiscovery"].bool || source["chapAuthSession"].bool
        if usesSecret, source["secretRef"].isAbsent { errors.required(source["secretRef"]) }
        if source["secretRef"].isPresent, source["secretRef"]["name"].text.isEmpty {
            errors.required(source["secretRef"]["name"])
        }
    }

    private static func mode(_ mode: Field, _ errors: inout FieldErrors) {
        if let number = mode.int, !(0...0o777).contains(number) {
            errors.invalid(mode, "must be a number between 0 and 0777 (octal), both inclusive")
        }
    }
    private static func keys(_ items: Field, _ errors: inout FieldErrors) {
        for item in items.items {
            errors.nonEmpty(item["key"])
            errors.nonEmpty(item["path"])
            relativePath(item["path"], &errors)
            mode(item["mode"], &errors)
        }
    }
    private static func downward(_ source: Field, _ errors: inout FieldErrors) {
        for item in source["items"].items {
            if item["path"].text.isEmpty { errors.required(source["path"]) }
            relativePath(source["path"].with(item["path"].json), &errors)
            if item["fieldRef"].isPresent {
                fieldReference(source["fieldRef"].with(item["fieldRef"].json), isVolume: true, &errors)
            } else if item["resourceFieldRef"].isPresent {
                resourceReference(
                    source["resourceFieldRef"].with(item["resourceFieldRef"].json), isVolume: true, &errors)
            } else {
                errors.required(source, "one of fieldRef and resourceFieldRef is required")
            }
            mode(item["mode"], &errors)
        }
    }
    private static func projected(_ source: Field, _ errors: inout FieldErrors) {
        mode(source["defaultMode"], &errors)
        for entry in source["sources"].items {
            let given = [
                "secret", "configMap", "downwardAPI", "serviceAccountToken", "clusterTrustBundle", "podCertificate",
            ].filter { entry[$0].isPresent }
            if given.count > 1 { errors.forbidden(entry, "may not specify more than 1 volume type") }
            if given.isEmpty { errors.required(entry, "may not specify a nil source") }
            for key in ["secret", "configMap"] where entry[key].isPresent {
                errors.nonEmpty(entry[key]["name"])
                keys(entry[key]["items"], &errors)
            }
            if entry["downwardAPI"].isPresent { downward(entry["downwardAPI"], &errors) }
            let token = entry["serviceAccountToken"]
            guard token.isPresent else { continue }
            if let seconds = token["expirationSeconds"].int, seconds < 600 {
                errors.invalid(token["expirationSeconds"], "may not specify a duration less than 10 minutes")
            }
            errors.nonEmpty(token["path"])
        }
    }

    static func claim(_ spec: Field, _ errors: inout FieldErrors) {
        let modes = spec["accessModes"]
        if modes.json.items.isEmpty { errors.required(modes, "at least 1 access mode is required") }
        accessModes(modes, &errors)
        if spec["selector"].isPresent { selector(spec["selector"], &errors) }
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
        for key in ["dataSource", "dataSourceRef"] where spec[key].isPresent {
            errors.nonEmpty(spec[key]["name"])
            errors.nonEmpty(spec[key]["kind"])
            let group = spec[key]["apiGroup"].text
            if group.isEmpty, spec[key]["kind"].text != "PersistentVolumeClaim", !spec[key]["kind"].text.isEmpty {
                errors.invalid(
                    spec[key], "must be 'PersistentVolumeClaim' when referencing the default apiGroup")
            }
        }
    }

    static func accessModes(_ modes: Field, _ errors: inout FieldErrors) {
        let known = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"]
        for mode in modes.json.items where !known.contains(mode.string ?? "") {
            errors.notSupported(modes.with(mode), known)
        }
        if modes.json.items.contains("ReadWriteOncePod"), modes.json.items.count > 1 {
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
        if let size = capacity["storage"].quantity, size.isZero || size.isNegative {
            errors.invalid(capacity.entry("storage"), "must be greater than zero")
        }
        errors.oneOf(spec["persistentVolumeReclaimPolicy"], ["Delete", "Recycle", "Retain"])
        sources(spec, except: ["secret", "configMap", "downwardAPI", "projected"], required: true, &errors)
        if spec["hostPath"]["path"].text == "/", spec["persistentVolumeReclaimPolicy"].text == "Recycle" {
            errors.forbidden(
                spec["persistentVolumeReclaimPolicy"], "may not be 'recycle' for a hostPath mount of '/'")
        }
        if spec["nodeAffinity"].isPresent {
            if spec["nodeAffinity"]["required"].isAbsent {
                errors.required(spec["nodeAffinity"]["required"], "must specify required node constraints")
            } else {
                nodeSelector(spec["nodeAffinity"]["required"], &errors)
            }
        } else if spec["local"].isPresent {
            errors.required(spec["nodeAffinity"], "Local volume requires node affinity")
        }
        if !spec["storageClassName"].text.isEmpty {
            errors.check(spec["storageClassName"], NameText.subdomain(spec["storageClassName"].text))
        }
        if spec["volumeMode"].isPresent { errors.oneOf(spec["volumeMode"], ["Block", "Filesystem"]) }
        if spec["csi"].isPresent { errors.nonEmpty(spec["csi"]["volumeHandle"]) }
    }
}
