import Shared

/// The volumes of a pod and persistent volumes. Source: `validateVolumeSource`.
extension Validation {
    /// The volumes by name, for the mounts that follow. A volume that is wrong is none that could be mounted.
    static func volumes(_ list: Field, _ errors: inout FieldErrors) -> [String: JSON] {
        var found: [String: JSON] = [:]
        for volume in list.items {
            let before = errors.count
            sources(volume, except: ["name"], required: true, &errors)
            let name = volume["name"]
            if name.text.isEmpty { errors.required(name) } else { errors.check(name, NameText.label(name.text)) }
            if found[name.text] != nil { errors.duplicate(name) }
            if errors.count == before { found[name.text] = volume.json }
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

    /// The secrets that a storage driver is given.
    private static let secretKeys = [
        "controllerPublishSecretRef", "nodeStageSecretRef", "nodePublishSecretRef", "controllerExpandSecretRef",
        "nodeExpandSecretRef",
    ]

    /// Fields that a source cannot do without.
    private static let needed: [String: [String]] = [
        "hostPath": ["path"], "secret": ["secretName"], "configMap": ["name"], "nfs": ["server", "path"],
        "persistentVolumeClaim": ["claimName"], "gcePersistentDisk": ["pdName"], "awsElasticBlockStore": ["volumeID"],
        "glusterfs": ["endpoints", "path"], "cinder": ["volumeID"], "flexVolume": ["driver"],
        "azureFile": ["secretName", "shareName"], "azureDisk": ["diskName", "diskURI"], "vsphereVolume": ["volumePath"],
        "portworxVolume": ["volumeID"], "quobyte": ["volume"], "gitRepo": ["repository"],
        "iscsi": ["targetPortal", "iqn"], "scaleIO": ["gateway", "system", "volumeName"],
        "local": ["path"], "image": ["reference"], "photonPersistentDisk": ["pdID"],
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
            driverName(source["driver"], &errors)
            for key in secretKeys where source[key].isPresent { errors.nonEmpty(source[key]["name"]) }
        case "gcePersistentDisk", "awsElasticBlockStore":
            if let part = source["partition"].int, !(0...255).contains(part) {
                errors.invalid(source["partition"], "must be between 1 and 255, inclusive")
            }
        case "cinder": if source["secretRef"].isPresent { errors.nonEmpty(source["secretRef"]["name"]) }
        case "flexVolume": reservedOptions(source["options"], &errors)
        case "storageos":
            for key in ["volumeName", "volumeNamespace"] where !source[key].text.isEmpty {
                errors.check(source[key], NameText.label(source[key].text))
            }
            if source["volumeName"].text.isEmpty { errors.required(source["volumeName"]) }
            if source["secretRef"].isPresent { errors.nonEmpty(source["secretRef"]["name"]) }
        case "rbd":
            if source["monitors"].json.items.isEmpty { errors.required(source["monitors"]) }
            errors.nonEmpty(source["image"])
        case "cephfs": if source["monitors"].json.items.isEmpty { errors.required(source["monitors"]) }
        case "fc":
            let (names, identities) = (source["targetWWNs"].json.items, source["wwids"].json.items)
            if names.isEmpty, identities.isEmpty {
                errors.required(source["targetWWNs"], "must specify either targetWWNs or wwids, but not both")
            }
            if !names.isEmpty, !identities.isEmpty {
                errors.invalid(
                    source["targetWWNs"], shown: GoText.strings(source["targetWWNs"].json),
                    "targetWWNs and wwids can not be specified simultaneously")
            }
            if !names.isEmpty {
                if source["lun"].isAbsent {
                    errors.required(source["lun"], "lun is required if targetWWNs is specified")
                }
                unit(source["lun"], &errors)
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
            let text = "must be a host:port pair or multiple pairs separated by commas"
            if source["registry"].text.isEmpty {
                errors.required(source["registry"], text)
            } else if source["tenant"].text.utf8.count >= 65 {
                errors.required(source["tenant"], "must be a UUID and may not exceed a length of 64 characters")
            } else {
                for place in source["registry"].text.split(separator: ",", omittingEmptySubsequences: false)
                where place.split(separator: ":", omittingEmptySubsequences: false).count != 2 {
                    errors.invalid(source["registry"], text)
                }
            }
        case "azureDisk":
            if source["cachingMode"].isPresent {
                errors.oneOf(source["cachingMode"], ["None", "ReadOnly", "ReadWrite"])
            }
            if source["kind"].isPresent { errors.oneOf(source["kind"], ["Dedicated", "Managed", "Shared"]) }
            let place = source["diskURI"]
            if source["kind"].text == "Managed", !place.text.hasPrefix("/subscriptions/") {
                errors.notSupported(
                    place.with(.string(place.text)),
                    [
                        "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}"
                    ])
            } else if source["kind"].isPresent, source["kind"].text != "Managed", !place.text.hasPrefix("https://") {
                errors.notSupported(
                    place.with(.string(place.text)),
                    ["https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd"])
            }
        case "image":
            if source["pullPolicy"].isPresent {
                errors.oneOf(source["pullPolicy"], ["Always", "IfNotPresent", "Never"])
            }
        case "gitRepo": relativePath(source["directory"], &errors)
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
        if !name.text.isEmpty { qualifiedTarget(name, &errors) }
        unit(source["lun"], &errors)
        let usesSecret = source["chapAuthDiscovery"].bool || source["chapAuthSession"].bool
        if usesSecret, source["secretRef"].isAbsent { errors.required(source["secretRef"]) }
        if source["secretRef"].isPresent, source["secretRef"]["name"].text.isEmpty {
            errors.required(source["secretRef"]["name"])
        }
        if source["initiatorName"].isPresent { qualifiedTarget(source["initiatorName"], &errors) }
    }

    /// `iqn.2001-04.com.example:storage`, `eui.` with 16 digits or `naa.` with 32.
    private static func qualifiedTarget(_ name: Field, _ errors: inout FieldErrors) {
        func isWord(_ text: Substring) -> Bool { text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) } }
        let rest = name.text.dropFirst(4)
        var isRight = name.text.dropFirst(3).first == "."
        switch name.text.prefix(3) {
        case "iqn":
            let parts = rest.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            let owner = (parts.first ?? "").split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
            let date = (owner.first ?? "").split(separator: "-", omittingEmptySubsequences: false)
            isRight =
                isRight && owner.count == 2 && !owner[1].isEmpty && date.map(\.count) == [4, 2]
                && date.allSatisfy { $0.allSatisfy(\.isNumber) }
                && isWord(Substring(owner[1].replacing("-", with: "").replacing(".", with: "")))
                && (parts.count == 1 || !parts[1].isEmpty && !parts[1].contains { ",;*&$| \t\n".contains($0) })
        case "eui": isRight = isRight && rest.count == 16 && isWord(rest)
        case "naa": isRight = isRight && rest.count == 32 && isWord(rest)
        default:
            errors.invalid(name, "must be valid format starting with iqn, eui, or naa")
            return
        }
        if !isRight { errors.invalid(name, "must be valid format") }
    }

    private static func unit(_ number: Field, _ errors: inout FieldErrors) {
        if let value = number.int, !(0...255).contains(value) {
            errors.invalid(number, "must be between 0 and 255, inclusive")
        }
    }

    /// Source: `ValidateCSIDriverName`.
    static func driverName(_ name: Field, _ errors: inout FieldErrors) {
        if name.text.isEmpty { errors.required(name) }
        if name.text.utf8.count > 63 { errors.tooLong(name, bytes: 63) }
        errors.check(name.with(.string(name.text)), NameText.subdomain(name.text.lowercased()))
    }

    private static func reservedOptions(_ options: Field, _ errors: inout FieldErrors) {
        for (key, option) in options.entries {
            let space = "." + (key.split(separator: "/").first ?? "").lowercased()
            if space.hasSuffix(".kubernetes.io") || space.hasSuffix(".k8s.io") {
                errors.invalid(option.with(.string(key)), "kubernetes.io and k8s.io namespaces are reserved")
            }
        }
    }

    private static func mode(_ mode: Field, _ errors: inout FieldErrors) {
        if let number = mode.int, !(0...0o777).contains(number) {
            errors.invalid(mode, "must be a number between 0 and 0777 (octal), both inclusive")
        }
    }
    /// A path below a volume that none of the volume's own files can have.
    private static func ownPath(_ path: Field, _ errors: inout FieldErrors) {
        relativePath(path, &errors)
        if path.text.hasPrefix(".."), !path.text.hasPrefix("../") {
            errors.invalid(path, "must not start with '..'")
        }
    }
    private static func keys(_ items: Field, _ errors: inout FieldErrors) {
        for item in items.items {
            errors.nonEmpty(item["key"])
            errors.nonEmpty(item["path"])
            ownPath(item["path"], &errors)
            mode(item["mode"], &errors)
        }
    }
    private static func downward(_ source: Field, _ errors: inout FieldErrors) {
        for item in source["items"].items {
            if item["path"].text.isEmpty { errors.required(source["path"]) }
            ownPath(source["path"].with(item["path"].json), &errors)
            if item["fieldRef"].isPresent {
                fieldReference(source["fieldRef"].with(item["fieldRef"].json), isVolume: true, &errors)
                if item["resourceFieldRef"].isPresent {
                    errors.invalid(
                        source.with("resource"), "fieldRef and resourceFieldRef can not be specified simultaneously")
                }
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
        var paths: Set<String> = []
        func note(_ path: String, of name: String) {
            if !path.isEmpty, !paths.insert(path).inserted {
                errors.invalid(source.with(.string(name)), "conflicting duplicate paths")
            }
        }
        for entry in source["sources"].items {
            let given = [
                "secret", "configMap", "downwardAPI", "serviceAccountToken", "clusterTrustBundle", "podCertificate",
            ].filter { entry[$0].isPresent }
            if given.count > 1 { errors.forbidden(entry, "may not specify more than 1 volume type") }
            if given.isEmpty { errors.required(entry, "may not specify a nil source") }
            for key in ["secret", "configMap"] where entry[key].isPresent {
                errors.nonEmpty(entry[key]["name"])
                keys(entry[key]["items"], &errors)
                for item in entry[key]["items"].items { note(item["path"].text, of: entry[key]["name"].text) }
            }
            if entry["downwardAPI"].isPresent {
                downward(entry["downwardAPI"], &errors)
                for item in entry["downwardAPI"]["items"].items { note(item["path"].text, of: item["path"].text) }
            }
            let token = entry["serviceAccountToken"]
            guard token.isPresent else { continue }
            if let seconds = token["expirationSeconds"].int, seconds < 600 {
                errors.invalid(token["expirationSeconds"], "may not specify a duration less than 10 minutes")
            }
            if let seconds = token["expirationSeconds"].int, seconds > 1 << 32 {
                errors.invalid(token["expirationSeconds"], "may not specify a duration larger than 2^32 seconds")
            }
            errors.nonEmpty(token["path"])
            ownPath(token["path"], &errors)
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
            let kind = spec[key]["kind"].text
            if group.isEmpty, kind != "PersistentVolumeClaim" {
                errors.invalid(
                    spec[key].with(.string(kind)),
                    "must be 'PersistentVolumeClaim' when referencing the default apiGroup")
            }
        }
        if spec["dataSource"].isPresent, spec["dataSourceRef"].isPresent,
            spec["dataSource"].json != spec["dataSourceRef"].json
        {
            errors.invalid(spec.with(.string(spec["dataSource"].path)), "must match dataSourceRef")
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
        for kind in ["cinder", "storageos"] where spec[kind]["secretRef"].isPresent {
            errors.nonEmpty(spec[kind]["secretRef"]["namespace"])
        }
        for key in secretKeys where spec["csi"][key].isPresent { errors.nonEmpty(spec["csi"][key]["namespace"]) }
        let space = spec["azureFile"]["secretNamespace"]
        if space.isPresent, space.text.isEmpty { errors.required(space) }
    }
}
