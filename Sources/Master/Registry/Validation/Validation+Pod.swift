import Shared

/// Pods and pod templates, without their containers and volumes. Source: `ValidatePodSpec`.
extension Validation {
    static func pod(_ pod: Field, _ errors: inout FieldErrors) {
        podAnnotations(pod["metadata"]["annotations"], pod["spec"], &errors)
        podSpec(pod["spec"], podName: pod["metadata"]["name"].text, &errors)
        onlyForPods(pod["spec"], &errors)
    }

    /// What templates may have still. Source: `validatePodMetadataAndSpec`.
    private static func onlyForPods(_ spec: Field, _ errors: inout FieldErrors) {
        if spec["serviceAccountName"].text.isEmpty {
            for volume in spec["volumes"].items {
                for source in volume["projected"]["sources"].items where source["serviceAccountToken"].isPresent {
                    errors.forbidden(
                        source["serviceAccountToken"], "must not be specified when serviceAccountName is not set")
                }
            }
        }
        for list in ["containers", "initContainers"] {
            for container in spec[list].items { trimmedImage(container["image"], &errors) }
        }
    }
    static func trimmedImage(_ image: Field, _ errors: inout FieldErrors) {
        if image.text.trimmingWhitespace != image.text {
            errors.invalid(image, "must not have leading or trailing whitespace")
        }
    }

    /// What only a new pod may not have. Source: `ValidatePodCreate`.
    static func podCreation(_ pod: Field, _ errors: inout FieldErrors) {
        let spec = pod["spec"]
        if !spec["ephemeralContainers"].json.items.isEmpty {
            errors.forbidden(spec["ephemeralContainers"], "cannot be set on create")
        }
        if !spec["schedulingGates"].json.items.isEmpty, !spec["nodeName"].text.isEmpty {
            errors.forbidden(spec["nodeName"], "cannot be set until all schedulingGates have been cleared")
        }
        annotatedProfiles(pod["metadata"]["annotations"].json, spec, &errors)
    }

    /// Annotations that say something about how a pod is run. Source: `ValidatePodSpecificAnnotations`.
    static func podAnnotations(_ annotations: Field, _ spec: Field, _ errors: inout FieldErrors) {
        let names = Set(
            ["initContainers", "containers", "ephemeralContainers"].flatMap {
                spec[$0].json.items.compactMap { $0["name"].string }
            })
        if annotations["kubernetes.io/config.mirror"].isPresent, spec["nodeName"].text.isEmpty {
            errors.invalid(
                annotations.entry("kubernetes.io/config.mirror"),
                "must set spec.nodeName if mirror pod annotation is set")
        }
        let cost = annotations.entry("controller.kubernetes.io/pod-deletion-cost")
        if cost.isPresent, !isCost(cost.text) { errors.invalid(cost, "must be a 32bit integer") }
        for (key, field) in annotations.entries {
            let value = field.text
            if key == "seccomp.security.alpha.kubernetes.io/pod"
                || key.hasPrefix("container.seccomp.security.alpha.kubernetes.io/")
            {
                if value.hasPrefix("localhost/") {
                    localPath(annotations[key].with(.string(String(value.dropFirst("localhost/".count)))), &errors)
                } else if !["runtime/default", "docker/default", "unconfined"].contains(value) {
                    errors.invalid(annotations[key], "must be a valid seccomp profile")
                }
            } else if key.hasPrefix("container.apparmor.security.beta.kubernetes.io/") {
                let name = String(key.split(separator: "/").last ?? "")
                if !names.contains(name) { errors.invalid(field.with(.string(name)), "container not found") }
                if !value.isEmpty, value != "runtime/default", value != "unconfined", !value.hasPrefix("localhost/") {
                    errors.invalid(field, "invalid AppArmor profile name: \(value.goQuoted)")
                }
            }
        }
    }
    /// Source: `GetDeletionCostFromPodAnnotations`: no sign `+`, no zeros in front.
    private static func isCost(_ text: String) -> Bool {
        let digits = text.hasPrefix("-") ? text.dropFirst() : text[...]
        return Int32(text) != nil && !text.hasPrefix("+") && (digits == "0" || !digits.hasPrefix("0"))
    }

    /// Annotations say the same as the fields that came after them.
    /// Source: `validateSeccompAnnotationsAndFields`, `validateAppArmorAnnotationsAndFieldsMatchOnCreate`.
    private static func annotatedProfiles(_ annotations: JSON, _ spec: Field, _ errors: inout FieldErrors) {
        func check(_ annotation: JSON, _ profile: Field, _ noun: String, defaults: [String]) {
            guard let text = annotation.string else { return }
            let isSame =
                switch profile["type"].text {
                case "Unconfined": text == "unconfined"
                case "RuntimeDefault": defaults.contains(text)
                case "Localhost": text.hasPrefix("localhost/")
                default: true
                }
            if !isSame {
                errors.forbidden(profile["type"], "\(noun) type in annotation and field must match")
            } else if profile["type"].text == "Localhost",
                text != "localhost/" + profile["localhostProfile"].text || profile["localhostProfile"].isAbsent
            {
                errors.forbidden(profile["localhostProfile"], "\(noun) profile in annotation and field must match")
            }
        }
        let ofPod = spec["securityContext"]
        check(
            annotations["seccomp.security.alpha.kubernetes.io/pod"], ofPod["seccompProfile"], "seccomp",
            defaults: ["runtime/default", "docker/default"])
        let containers = containersInOrder(spec)
        for container in containers {
            check(
                annotations["container.seccomp.security.alpha.kubernetes.io/" + container["name"].text],
                container["securityContext"]["seccompProfile"], "seccomp",
                defaults: ["runtime/default", "docker/default"])
        }
        guard spec["os"]["name"].text != "windows" else { return }
        for container in containers {
            let place = container["securityContext"]["appArmorProfile"]
            let profile = place.isPresent ? place.json : ofPod["appArmorProfile"].json
            check(
                annotations["container.apparmor.security.beta.kubernetes.io/" + container["name"].text],
                place.with(profile), "apparmor", defaults: ["runtime/default"])
        }
    }

    /// All containers of a pod as Kubernetes walks them. Source: `VisitContainersWithPath`.
    static func containersInOrder(_ spec: Field) -> [Field] {
        ["initContainers", "containers", "ephemeralContainers"].flatMap { spec[$0].items }
    }

    /// A path below a folder of the node. Source: `validateLocalDescendingPath`.
    private static func localPath(_ path: Field, _ errors: inout FieldErrors) {
        if path.text.hasPrefix("/") { errors.invalid(path, "must be a relative path") }
        if path.text.split(separator: "/").contains("..") { errors.invalid(path, "must not contain '..'") }
    }

    static func podTemplate(_ template: Field, _ errors: inout FieldErrors) {
        // Kubernetes leaves `metadata` out of these paths.
        labels(template["labels"].with(template["metadata"]["labels"].json), &errors)
        annotations(template["annotations"].with(template["metadata"]["annotations"].json), &errors)
        podAnnotations(
            template["annotations"].with(template["metadata"]["annotations"].json), template["spec"], &errors)
        podSpec(template["spec"], &errors)
        annotatedProfiles(template["metadata"]["annotations"].json, template["spec"], &errors)
        if !template["spec"]["ephemeralContainers"].json.items.isEmpty {
            errors.forbidden(
                template["spec"]["ephemeralContainers"], "ephemeral containers not allowed in pod template")
        }
    }

    static func podSpec(_ spec: Field, podName: String = "", _ errors: inout FieldErrors) {
        let volumes = volumes(spec["volumes"], podName: podName, &errors)
        containers(spec, volumes: volumes, &errors)
        hostPorts(spec, &errors)
        errors.oneOf(spec["restartPolicy"], ["Always", "OnFailure", "Never"], required: true)
        errors.oneOf(
            spec["dnsPolicy"], ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"], required: true)
        labels(spec["nodeSelector"], &errors)
        securityContext(spec, &errors)
        affinity(spec["affinity"], &errors)
        dns(spec, &errors)
        for gate in spec["readinessGates"].items {
            errors.check(gate["conditionType"], NameText.qualified(gate["conditionType"].text))
        }
        var gates: Set<String> = []
        for gate in spec["schedulingGates"].items {
            // Kubernetes names the item, not its name.
            let name = gate.with(.string(gate["name"].text))
            errors.check(name, NameText.qualified(name.text))
            if !gates.insert(name.text).inserted { errors.duplicate(name) }
        }
        spread(spec["topologySpreadConstraints"], &errors)
        hostProcesses(spec, &errors)
        userNamespace(spec, &errors)
        podNames(spec, &errors)
        resources(spec["overhead"].with(["limits": spec["overhead"].json]), &errors)
        operatingSystem(spec, &errors)
    }

    /// Names of other objects and of the pod itself, and what else is one value.
    private static func podNames(_ spec: Field, _ errors: inout FieldErrors) {
        for key in ["serviceAccountName", "nodeName"] where !spec[key].text.isEmpty {
            errors.check(spec[key], NameText.subdomain(spec[key].text))
        }
        if let seconds = spec["activeDeadlineSeconds"].int, !(1...2_147_483_647).contains(seconds) {
            errors.invalid(spec["activeDeadlineSeconds"], "must be between 1 and 2147483647, inclusive")
        }
        for key in ["hostname", "subdomain"] where !spec[key].text.isEmpty {
            errors.check(spec[key], NameText.label(spec[key].text))
        }
        tolerations(spec["tolerations"], &errors)
        // Kubernetes names the list here, not the item.
        for alias in spec["hostAliases"].items {
            let address = spec["hostAliases"]["ip"].with(.string(alias["ip"].text))
            if IPAddress(alias["ip"].text) == nil { errors.invalid(address, "must be valid IP address") }
            for name in alias["hostnames"].items {
                errors.check(spec["hostAliases"]["hostnames"].with(name.json), NameText.subdomain(name.text))
            }
        }
        if !spec["priorityClassName"].text.isEmpty {
            errors.check(spec["priorityClassName"], NameText.subdomain(spec["priorityClassName"].text))
        }
        if spec["runtimeClassName"].isPresent {
            errors.check(spec["runtimeClassName"], NameText.subdomain(spec["runtimeClassName"].text))
        }
        if spec["preemptionPolicy"].isPresent {
            errors.oneOf(spec["preemptionPolicy"], ["PreemptLowerPriority", "Never"], required: true)
        }
    }

    /// A pod with the node's network has its ports on the node. Source: `validatePodHostNetworkDeps`.
    private static func hostPorts(_ spec: Field, _ errors: inout FieldErrors) {
        guard spec["hostNetwork"].bool else { return }
        for container in spec["containers"].items {
            for port in container["ports"].items {
                let number = port["containerPort"]
                guard let host = port["hostPort"].int, host != 0, host != number.int ?? 0 else { continue }
                errors.invalid(number, "must match `hostPort` when `hostNetwork` is true")
            }
        }
    }

    /// Source: `validateHostUsers`, whose paths begin with capitals.
    private static func userNamespace(_ spec: Field, _ errors: inout FieldErrors) {
        guard spec["hostUsers"].json == false else { return }
        for (key, path) in [("hostNetwork", "hostNetwork"), ("hostPID", "HostPID"), ("hostIPC", "HostIPC")]
        where spec[key].bool {
            errors.forbidden(spec[path], "when `pod.Spec.HostUsers` is false")
        }
    }

    private static func dns(_ spec: Field, _ errors: inout FieldErrors) {
        let config = spec["dnsConfig"]
        if spec["dnsPolicy"].text == "None" {
            if config.isAbsent {
                errors.required(config, "must provide `dnsConfig` when `dnsPolicy` is None")
                return
            }
            if config["nameservers"].json.items.isEmpty {
                errors.required(
                    config["nameservers"], "must provide at least one DNS nameserver when `dnsPolicy` is None")
                return
            }
        }
        let servers = config["nameservers"].items
        if servers.count > 3 {
            errors.invalid(
                config["nameservers"], shown: GoText.strings(config["nameservers"].json),
                "must not have more than 3 nameservers")
        }
        for server in servers where IPAddress(server.text) == nil { errors.invalid(server, "must be valid IP address") }
        let searches = config["searches"].items
        if searches.count > 32 {
            errors.invalid(
                config["searches"], shown: GoText.strings(config["searches"].json),
                "must not have more than 32 search paths")
        }
        let length = searches.map(\.text).joined(separator: " ").utf8.count
        if length > 2048 {
            errors.invalid(
                config["searches"], shown: GoText.strings(config["searches"].json),
                "must not have more than 2048 characters (including spaces) in the search list")
        }
        for search in searches {
            let name = search.text.hasSuffix(".") ? String(search.text.dropLast()) : search.text
            errors.check(search, NameText.subdomain(name))
        }
        for option in config["options"].items where option["name"].text.isEmpty {
            errors.required(option, "must not be empty")
        }
    }

    private static func securityContext(_ spec: Field, _ errors: inout FieldErrors) {
        let context = spec["securityContext"]
        for key in ["fsGroup", "runAsUser", "runAsGroup"] { identity(context[key], &errors) }
        for group in context["supplementalGroups"].items { identity(group, &errors) }
        if spec["shareProcessNamespace"].bool, spec["hostPID"].bool {
            errors.invalid(
                context["shareProcessNamespace"].with(true), "ShareProcessNamespace and HostPID cannot both be enabled")
        }
        var names: Set<String> = []
        for entry in context["sysctls"].items {
            let name = entry["name"]
            if name.text.isEmpty {
                errors.required(name)
            } else if !isSystemControl(name.text) {
                errors.invalid(
                    name,
                    "must have at most 253 characters and match regex "
                        + "^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$")
            } else if names.contains(name.text) {
                errors.duplicate(name)
            }
            names.insert(name.text)
        }
        if !context["fsGroupChangePolicy"].isAbsent {
            errors.oneOf(context["fsGroupChangePolicy"], ["Always", "OnRootMismatch"])
        }
        seccomp(context["seccompProfile"], &errors)
        windowsOptions(context["windowsOptions"], &errors)
        appArmor(context["appArmorProfile"], &errors)
        for (key, values) in [
            ("supplementalGroupsPolicy", ["Merge", "Strict"]), ("seLinuxChangePolicy", ["MountOption", "Recursive"]),
        ] where context[key].isPresent {
            errors.oneOf(context[key], values)
        }
    }

    /// Source: `ValidateAppArmorProfileField`.
    static func appArmor(_ profile: Field, _ errors: inout FieldErrors) {
        guard profile.isPresent else { return }
        let (type, path) = (profile["type"], profile["localhostProfile"])
        switch type.text {
        case "Localhost":
            if path.text.isEmpty {
                errors.required(path, "must be set when AppArmor type is Localhost")
            } else if path.text.trimmingWhitespace != path.text {
                errors.invalid(path, "must not be padded with whitespace")
            }
            if path.text.utf8.count > 4095 { errors.tooLong(path, bytes: 4095) }
        case "RuntimeDefault", "Unconfined":
            if path.isPresent { errors.invalid(path, "can only be set when AppArmor type is Localhost") }
        case "": errors.required(type, "type is required when appArmorProfile is set")
        default: errors.notSupported(type, ["Localhost", "RuntimeDefault", "Unconfined"])
        }
    }

    static func identity(_ field: Field, _ errors: inout FieldErrors) {
        if let number = field.int, !(0...2_147_483_647).contains(number) {
            errors.invalid(field, "must be between 0 and 2147483647, inclusive")
        }
    }

    static func seccomp(_ profile: Field, _ errors: inout FieldErrors) {
        guard profile.isPresent else { return }
        let types = ["Localhost", "RuntimeDefault", "Unconfined"]
        if profile["type"].text.isEmpty {
            errors.required(profile["type"], "type is required when seccompProfile is set")
        } else if !types.contains(profile["type"].text) {
            errors.notSupported(profile["type"], types)
        }
        let path = profile["localhostProfile"]
        if profile["type"].text == "Localhost" {
            if path.isAbsent {
                errors.required(path, "must be set when seccomp type is Localhost")
            } else {
                localPath(path, &errors)
            }
        } else if path.isPresent {
            errors.invalid(path, "can only be set when seccomp type is Localhost")
        }
    }

    private static func isSystemControl(_ name: String) -> Bool {
        guard name.utf8.count <= 253 else { return false }
        return name.split(omittingEmptySubsequences: false, whereSeparator: { $0 == "." || $0 == "/" }).allSatisfy {
            part in
            guard let first = part.utf8.first, let last = part.utf8.last else { return false }
            func isPlain(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) }
            return isPlain(first) && isPlain(last) && part.utf8.allSatisfy { isPlain($0) || $0 == 0x2D || $0 == 0x5F }
        }
    }
}
