import Shared

/// The volumes of a pod. Source: `validateVolumeSource`.
extension Validation {
    /// The volumes by name, for the mounts that follow. A volume that is wrong is none that could be mounted.
    /// `podName` is empty in templates.
    static func volumes(_ list: Field, podName: String, _ errors: inout FieldErrors) -> [String: JSON] {
        var found: [String: JSON] = [:]
        let made = Set(
            podName.isEmpty
                ? [] : list.items.filter { $0["ephemeral"].isPresent }.map { "\(podName)-\($0["name"].text)" })
        for volume in list.items {
            let before = errors.count
            sources(volume, in: podSources, &errors)
            let name = volume["name"]
            if volume["iscsi"]["initiatorName"].isPresent {
                targetLength(name.text, volume["iscsi"]["targetPortal"].text, name, &errors)
            }
            if volume["ephemeral"].isPresent, !podName.isEmpty, !name.text.isEmpty {
                let claim = "\(podName)-\(name.text)"
                errors.check(name, NameText.subdomain(claim).map { "PVC name \(claim.goQuoted): \($0)" })
            }
            if name.text.isEmpty { errors.required(name) } else { errors.check(name, NameText.label(name.text)) }
            if found[name.text] != nil { errors.duplicate(name) }
            if errors.count == before { found[name.text] = volume.json }
            let claim = volume["persistentVolumeClaim"]["claimName"]
            if claim.isPresent, made.contains(claim.text) {
                errors.invalid(claim, "must not reference a PVC that gets created for an ephemeral volume")
            }
        }
        return found
    }

    /// Exactly one source, and that one complete.
    static func sources(
        _ volume: Field, in kinds: [String], isPersistent: Bool = false, _ errors: inout FieldErrors
    ) {
        var found = false
        for key in kinds where volume[key].isPresent {
            // A persistent volume of this kind is looked at whatever else it is.
            if found, !(isPersistent && key == "flexVolume") {
                errors.forbidden(volume[refusedPaths[key] ?? key], "may not specify more than 1 volume type")
                continue
            }
            found = true
            let place = volume[key == "gcePersistentDisk" ? "persistentDisk" : key].with(volume[key].json)
            source(key, place, isPersistent: isPersistent, &errors)
        }
        if !found { errors.required(volume, "must specify a volume type") }
    }

    /// Paths that Kubernetes writes otherwise where a source is one too many.
    private static let refusedPaths = ["cephfs": "cephFS", "downwardAPI": "downwarAPI"]

    /// In the order in which Kubernetes looks at them. Source: `validateVolumeSource`.
    private static let podSources = [
        "emptyDir", "hostPath", "gitRepo", "gcePersistentDisk", "awsElasticBlockStore", "secret", "nfs", "iscsi",
        "glusterfs", "flocker", "persistentVolumeClaim", "rbd", "cinder", "cephfs", "quobyte", "downwardAPI", "fc",
        "flexVolume", "configMap", "azureFile", "vsphereVolume", "photonPersistentDisk", "portworxVolume", "azureDisk",
        "storageos", "projected", "scaleIO", "csi", "ephemeral", "image",
    ]
    /// Source: `ValidatePersistentVolumeSpec`.
    static let persistentSources = [
        "hostPath", "gcePersistentDisk", "awsElasticBlockStore", "glusterfs", "flocker", "nfs", "rbd", "quobyte",
        "cephfs", "iscsi", "cinder", "fc", "flexVolume", "azureFile", "vsphereVolume", "photonPersistentDisk",
        "portworxVolume", "azureDisk", "scaleIO", "local", "storageos", "csi",
    ]

    /// The secrets that a storage driver is given, as far as Kubernetes looks at them.
    private static let secretKeys = [
        "controllerPublishSecretRef", "controllerExpandSecretRef", "nodePublishSecretRef", "nodeExpandSecretRef",
    ]

    /// Fields that a source cannot do without.
    private static let needed: [String: [String]] = [
        "hostPath": ["path"], "secret": ["secretName"], "configMap": ["name"], "nfs": ["server", "path"],
        "persistentVolumeClaim": ["claimName"], "gcePersistentDisk": ["pdName"], "awsElasticBlockStore": ["volumeID"],
        "glusterfs": ["endpoints", "path"], "cinder": ["volumeID"], "flexVolume": ["driver"],
        "azureFile": ["secretName", "shareName"], "azureDisk": ["diskName", "diskURI"], "vsphereVolume": ["volumePath"],
        "portworxVolume": ["volumeID"], "gitRepo": ["repository"],
        "iscsi": ["targetPortal"], "scaleIO": ["gateway", "system", "volumeName"],
        "local": ["path"], "image": ["reference"], "photonPersistentDisk": ["pdID"],
    ]

    private static func source(
        _ kind: String, _ source: Field, isPersistent: Bool, _ errors: inout FieldErrors
    ) {
        for key in needed[kind] ?? [] where source[key].text.isEmpty {
            errors.required(source[key])
        }
        switch kind {
        case "emptyDir":
            if let size = source["sizeLimit"].quantity, size.isNegative {
                errors.forbidden(source["sizeLimit"], "SizeLimit field must be a valid resource quantity")
            }
        case "hostPath":
            guard !source["path"].text.isEmpty else { break }
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
            if isPersistent {
                errors.nonEmpty(source["volumeHandle"])
                for key in secretKeys { secretReference(source[key], &errors) }
            } else if source["nodePublishSecretRef"].isPresent {
                errors.nonEmpty(source["nodePublishSecretRef"]["name"])
            }
        case "glusterfs":
            let space = source["endpointsNamespace"]
            guard isPersistent, space.isPresent else { break }
            if space.text.isEmpty {
                errors.invalid(space, "if the endpointnamespace is set, it must be a valid namespace name")
            } else {
                errors.check(space, NameText.label(space.text))
            }
        case "azureFile":
            if source["secretNamespace"].isPresent { errors.nonEmpty(source["secretNamespace"]) }
        case "gcePersistentDisk", "awsElasticBlockStore":
            if let part = source["partition"].int, !(0...255).contains(part) {
                errors.invalid(source["partition"], "must be between 1 and 255, inclusive")
            }
        case "cinder": secretNames(source["secretRef"], isPersistent, &errors)
        case "flexVolume": reservedOptions(source["options"], &errors)
        case "storageos":
            if source["volumeName"].text.isEmpty { errors.required(source["volumeName"]) }
            for key in ["volumeName", "volumeNamespace"] where !source[key].text.isEmpty {
                errors.check(source[key], NameText.label(source[key].text))
            }
            secretNames(source["secretRef"], isPersistent, &errors)
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
        case "iscsi": iscsi(source, isPersistent, &errors)
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
            errors.nonEmpty(source["volume"])
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
                claimTemplate(source["volumeClaimTemplate"], &errors)
            }
        default: break
        }
    }

    /// Source: `ValidatePersistentVolumeClaimTemplate`.
    private static func claimTemplate(_ template: Field, _ errors: inout FieldErrors) {
        let meta = template["metadata"]
        annotations(meta["annotations"], &errors)
        labels(meta["labels"], &errors)
        let refused = [
            ("name", "name"), ("generateName", "generateName"), ("namespace", "namespace"), ("selfLink", "selfLink"),
            ("uid", "uID"), ("resourceVersion", "resourceVersion"), ("generation", "generation"),
            ("creationTimestamp", "creationTimestamp"), ("deletionTimestamp", "deletionTimestamp"),
            ("deletionGracePeriodSeconds", "deletionGracePeriodSeconds"), ("ownerReferences", "ownerReferences"),
            ("finalizers", "finalizers"), ("managedFields", "managedFields"),
        ]
        for (key, path) in refused where meta[key].isPresent { errors.forbidden(meta[path], "cannot be set") }
        claim(template["spec"], &errors)
    }

    private static func secretNames(_ secret: Field, _ isPersistent: Bool, _ errors: inout FieldErrors) {
        guard secret.isPresent else { return }
        errors.nonEmpty(secret["name"])
        if isPersistent { errors.nonEmpty(secret["namespace"]) }
    }
    /// Source: `validatePVSecretReference`.
    private static func secretReference(_ secret: Field, _ errors: inout FieldErrors) {
        guard secret.isPresent else { return }
        let (name, space) = (secret["name"], secret["namespace"])
        if name.text.isEmpty { errors.required(name) } else { errors.check(name, NameText.subdomain(name.text)) }
        if space.text.isEmpty { errors.required(space) } else { errors.check(space, NameText.label(space.text)) }
    }

    private static func iscsi(_ source: Field, _ isPersistent: Bool, _ errors: inout FieldErrors) {
        let name = source["iqn"]
        if name.text.isEmpty { errors.required(name) } else { qualifiedTarget(name, isPersistent, &errors) }
        unit(source["lun"], &errors)
        let usesSecret = source["chapAuthDiscovery"].bool || source["chapAuthSession"].bool
        if usesSecret, source["secretRef"].isAbsent { errors.required(source["secretRef"]) }
        if isPersistent, source["secretRef"].isPresent { errors.nonEmpty(source["secretRef"]["name"]) }
        if source["initiatorName"].isPresent {
            qualifiedTarget(source["initiatorname"].with(source["initiatorName"].json), isPersistent, &errors)
        }
    }
    static func targetLength(_ volume: String, _ portal: String, _ field: Field, _ errors: inout FieldErrors) {
        guard "\(volume):\(portal)".utf8.count > 64 else { return }
        errors.invalid(
            field,
            "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is "
                + "specified.")
    }

    /// `iqn.2001-04.com.example:storage`, `eui.` with 16 digits or `naa.` with 32.
    private static func qualifiedTarget(_ name: Field, _ isPersistent: Bool, _ errors: inout FieldErrors) {
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
                && parts.count == 2 && !parts[1].isEmpty && !parts[1].contains { ",;*&$| \t\n".contains($0) }
        case "eui": isRight = isRight && rest.count == 16 && isWord(rest)
        case "naa": isRight = isRight && rest.count == 32 && isWord(rest)
        default:
            errors.invalid(name, "must be valid format" + (isPersistent ? "" : " starting with iqn, eui, or naa"))
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
            for key in ["secret", "configMap"] where entry[key].isPresent {
                errors.nonEmpty(entry[key]["name"])
                keys(entry[key]["items"], &errors)
                for item in entry[key]["items"].items { note(item["path"].text, of: entry[key]["name"].text) }
            }
            if entry["downwardAPI"].isPresent {
                downward(entry["downwardAPI"], &errors)
                for item in entry["downwardAPI"]["items"].items { note(item["path"].text, of: item["path"].text) }
            }
            if entry["serviceAccountToken"].isPresent { token(entry["serviceAccountToken"], of: source, &errors) }
            let bundle = entry["clusterTrustBundle"]
            if bundle.isPresent {
                trustBundle(bundle, &errors)
                note(bundle["path"].text, of: bundle["path"].text)
            }
            let given = [
                "secret", "configMap", "downwardAPI", "serviceAccountToken", "clusterTrustBundle", "podCertificate",
            ].filter { entry[$0].isPresent }
            if given.count > 1 { errors.forbidden(entry, "may not specify more than 1 volume type") }
        }
    }

    private static func token(_ token: Field, of volume: Field, _ errors: inout FieldErrors) {
        let lifetime = token["expirationSeconds"]
        if let seconds = lifetime.int, seconds < 600 {
            errors.invalid(lifetime, "may not specify a duration less than 10 minutes")
        }
        if let seconds = lifetime.int, seconds > 1 << 32 {
            errors.invalid(lifetime, "may not specify a duration larger than 2^32 seconds")
        }
        // Kubernetes names the volume, not the token.
        let path = volume["path"].with(token["path"].json)
        if path.text.isEmpty { errors.required(path) } else { ownPath(path, &errors) }
    }

    private static func trustBundle(_ bundle: Field, _ errors: inout FieldErrors) {
        let (name, signer) = (bundle["name"], bundle["signerName"])
        switch (name.isPresent, signer.isPresent) {
        case (true, true): errors.invalid(bundle, "only one of name and signerName may be used")
        case (true, false):
            if name.text.isEmpty { errors.required(name, "must be a valid object name") }
            if bundle["labelSelector"].isPresent {
                errors.invalid(bundle["labelSelector"], "labelSelector must be unset if name is specified")
            }
        case (false, true):
            if signer.text.isEmpty { errors.required(signer, "must be a valid signer name") }
            selector(bundle["labelSelector"], &errors)
        case (false, false): errors.required(bundle, "either name or signerName must be specified")
        }
        errors.nonEmpty(bundle["path"])
        ownPath(bundle["path"], &errors)
    }
}
