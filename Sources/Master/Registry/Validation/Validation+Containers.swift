import Shared

/// The containers of a pod. Source: `validateContainers`.
extension Validation {
    static func containers(_ spec: Field, volumes: [String: JSON], _ errors: inout FieldErrors) {
        let surroundings = Surroundings(spec, volumes)
        let list = spec["containers"]
        if list.json.items.isEmpty { errors.required(list) }
        var names: Set<String> = []
        for container in list.items {
            let isUsed = !names.insert(container["name"].text).inserted
            self.container(container, surroundings, isUsed: isUsed, runsOn: true, &errors)
            if container["restartPolicy"].isPresent {
                errors.forbidden(container["restartPolicy"], "may not be set for non-init containers")
            }
        }
        uniqueHostPorts(list.items, &errors)
        for container in spec["initContainers"].items { initContainer(container, surroundings, &names, &errors) }
        for container in spec["ephemeralContainers"].items {
            ephemeralContainer(container, surroundings, &names, &errors)
        }
    }

    /// What a container is checked against.
    private struct Surroundings {
        let spec: Field
        let volumes: [String: JSON]
        let gracePeriod: Int?
        let sharesUsers: Bool

        init(_ spec: Field, _ volumes: [String: JSON]) {
            self.spec = spec
            self.volumes = volumes
            gracePeriod = spec["terminationGracePeriodSeconds"].int
            sharesUsers = spec["hostUsers"].json != false
        }
    }

    /// Source: `validateInitContainers`.
    private static func initContainer(
        _ container: Field, _ surroundings: Surroundings, _ names: inout Set<String>, _ errors: inout FieldErrors
    ) {
        let policy = container["restartPolicy"]
        let name = container["name"].text
        let isUsed = name.isEmpty ? names.contains(name) : !names.insert(name).inserted
        self.container(container, surroundings, isUsed: isUsed, runsOn: policy.text == "Always", &errors)
        if policy.isPresent, policy.text != "Always" { errors.notSupported(policy, ["Always"]) }
        // Each init container runs alone, so that its ports can collide with none but its own.
        uniqueHostPorts([container], &errors)
        guard policy.text != "Always" else { return }
        for key in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] where container[key].isPresent {
            errors.forbidden(container[key], "may not be set for init containers without restartPolicy=Always")
        }
    }

    /// Source: `validateEphemeralContainers`.
    private static func ephemeralContainer(
        _ container: Field, _ surroundings: Surroundings, _ names: inout Set<String>, _ errors: inout FieldErrors
    ) {
        let isUsed = !names.insert(container["name"].text).inserted
        self.container(container, surroundings, isUsed: isUsed, runsOn: false, &errors)
        trimmedImage(container["image"], &errors)
        let target = container["targetContainerName"]
        let others = ["containers", "initContainers"].flatMap { surroundings.spec[$0].json.items }.map { $0["name"] }
        if !target.text.isEmpty, !others.contains(target.json) { errors.notFound(target) }
        let refused = [
            "ports", "resources", "resizePolicy", "restartPolicy", "livenessProbe", "readinessProbe", "startupProbe",
            "lifecycle",
        ]
        for key in refused where container[key].isPresent && container[key].json != [:] {
            errors.forbidden(container[key], "cannot be set for an Ephemeral Container")
        }
        for mount in container["volumeMounts"].items {
            for key in ["subPath", "subPathExpr"] where !mount[key].text.isEmpty {
                errors.forbidden(mount[key], "cannot be set for an Ephemeral Container")
            }
        }
    }

    /// What all containers have. `runsOn`: as long as its pod, and so with probes and hooks.
    private static func container(
        _ container: Field, _ surroundings: Surroundings, isUsed: Bool, runsOn: Bool, _ errors: inout FieldErrors
    ) {
        let name = container["name"]
        if name.text.isEmpty { errors.required(name) } else { errors.check(name, NameText.label(name.text)) }
        if isUsed { errors.duplicate(name.with(.string(name.text))) }
        errors.nonEmpty(container["image"])
        if runsOn { hooks(container, surroundings, &errors) }
        let message = container["terminationMessagePolicy"]
        if message.text.isEmpty {
            errors.required(message)
        } else if !["File", "FallbackToLogsOnError"].contains(message.text) {
            errors.invalid(message, "must be 'File' or 'FallbackToLogsOnError'")
        }
        if runsOn {
            probe(container["readinessProbe"], &errors)
            let grace = container["readinessProbe"]["terminationGracePeriodSeconds"]
            if grace.isPresent { errors.invalid(grace, "must not be set for readinessProbes") }
        }
        ports(container["ports"], &errors)
        environment(container, &errors)
        mounts(container, surroundings.volumes, &errors)
        errors.oneOf(container["imagePullPolicy"], ["Always", "IfNotPresent", "Never"], required: true)
        resources(container["resources"], &errors)
        resizePolicy(container["resizePolicy"], of: surroundings.spec, &errors)
        containerSecurity(container["securityContext"], sharesUsers: surroundings.sharesUsers, &errors)
    }

    private static func hooks(_ container: Field, _ surroundings: Surroundings, _ errors: inout FieldErrors) {
        for key in ["postStart", "preStop"] where container["lifecycle"][key].isPresent {
            let hook = container["lifecycle"][key]
            handler(
                hook, ["exec", "httpGet", "tcpSocket", "sleep"], gracePeriod: surroundings.gracePeriod, &errors)
        }
        for key in ["livenessProbe", "startupProbe"] {
            probe(container[key], &errors)
            if let threshold = container[key]["successThreshold"].int, threshold != 1 {
                errors.invalid(container[key]["successThreshold"], "must be 1")
            }
        }
    }

    /// Kubernetes names the list, not the item. Source: `validateResizePolicy`.
    private static func resizePolicy(_ list: Field, of spec: Field, _ errors: inout FieldErrors) {
        var seen: Set<String> = []
        for policy in list.items {
            let (resource, restart) = (policy["resourceName"].json, policy["restartPolicy"].json)
            if !seen.insert(resource.string ?? "").inserted { errors.duplicate(policy.with(resource)) }
            errors.oneOf(list.with(resource), ["cpu", "memory"], required: true)
            errors.oneOf(list.with(restart), ["NotRequired", "RestartContainer"], required: true)
            if spec["restartPolicy"].text == "Never", restart != "NotRequired" {
                errors.invalid(list.with(restart), "must be 'NotRequired' when `restartPolicy` is 'Never'")
            }
        }
    }

    private static func ports(_ ports: Field, _ errors: inout FieldErrors) {
        var names: Set<String> = []
        for port in ports.items {
            if !port["name"].text.isEmpty {
                let texts = NameText.portName(port["name"].text)
                errors.check(port["name"], texts)
                if texts.isEmpty, !names.insert(port["name"].text).inserted { errors.duplicate(port["name"]) }
            }
            let number = port["containerPort"]
            if (number.int ?? 0) == 0 { errors.required(number) } else { portNumber(number, &errors) }
            if let host = port["hostPort"].int, host != 0 { portNumber(port["hostPort"], &errors) }
            errors.oneOf(port["protocol"], ["SCTP", "TCP", "UDP"], required: true)
        }
    }
    /// Ports of the node that containers which run together take. Source: `checkHostPortConflicts`.
    private static func uniqueHostPorts(_ containers: [Field], _ errors: inout FieldErrors) {
        var taken: Set<String> = []
        for port in containers.flatMap({ $0["ports"].items }) {
            guard let host = port["hostPort"].int, host != 0 else { continue }
            let key = "\(port["protocol"].text)/\(port["hostIP"].text)/\(host)"
            if !taken.insert(key).inserted { errors.duplicate(port["hostPort"], shown: key.goQuoted) }
        }
    }

    static func portNumber(_ field: Field, _ errors: inout FieldErrors) {
        if !(1...65_535).contains(field.int ?? 0) { errors.invalid(field, "must be between 1 and 65535, inclusive") }
    }

    private static func environment(_ container: Field, _ errors: inout FieldErrors) {
        for variable in container["env"].items {
            if variable["name"].text.isEmpty {
                errors.required(variable["name"])
            } else {
                errors.check(variable["name"], NameText.environment(variable["name"].text))
            }
            if variable["valueFrom"].isPresent { valueFrom(variable, &errors) }
        }
        for source in container["envFrom"].items {
            if !source["prefix"].text.isEmpty {
                errors.check(source["prefix"], NameText.environment(source["prefix"].text))
            }
            let given = ["configMapRef", "secretRef"].filter { source[$0].isPresent }
            for key in given {
                let name = source[key]["name"]
                if name.text.isEmpty {
                    errors.required(name)
                } else {
                    errors.check(name, NameText.subdomain(name.text))
                }
            }
            if given.count != 1 {
                let text =
                    given.isEmpty
                    ? "must specify one of: `configMapRef` or `secretRef`"
                    : "may not have more than one field specified at a time"
                errors.invalid(container["envFrom"].with(""), text)
            }
        }
    }

    private static func valueFrom(_ variable: Field, _ errors: inout FieldErrors) {
        let source = variable["valueFrom"]
        let given = ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"].filter {
            source[$0].isPresent
        }
        if source["fieldRef"].isPresent { fieldReference(source["fieldRef"], isVolume: false, &errors) }
        if source["resourceFieldRef"].isPresent {
            resourceReference(source["resourceFieldRef"], isVolume: false, &errors)
        }
        for key in ["configMapKeyRef", "secretKeyRef"] where source[key].isPresent {
            let name = source[key]["name"]
            errors.check(name.with(.string(name.text)), NameText.subdomain(name.text))
            if source[key]["key"].text.isEmpty {
                errors.required(source[key]["key"])
            } else {
                errors.check(source[key]["key"], NameText.configKey(source[key]["key"].text))
            }
        }
        if given.isEmpty {
            errors.invalid(
                source.with(""),
                "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`")
        } else if !variable["value"].text.isEmpty {
            errors.invalid(source.with(""), "may not be specified when `value` is not empty")
        } else if given.count > 1 {
            errors.invalid(source.with(""), "may not have more than one field specified at a time")
        }
    }

    /// Source: `validateObjectFieldSelector`, `ConvertDownwardAPIFieldLabel`.
    static func fieldReference(_ reference: Field, isVolume: Bool, _ errors: inout FieldErrors) {
        let path = reference["fieldPath"]
        guard !reference["apiVersion"].text.isEmpty else { return errors.required(reference["apiVersion"]) }
        guard !path.text.isEmpty else { return errors.required(path) }
        func cannotConvert(_ why: String) { errors.invalid(path, "error converting fieldPath: \(why)") }
        guard reference["apiVersion"].text == "v1" else {
            return cannotConvert("unsupported pod version: \(reference["apiVersion"].text)")
        }
        let pieces = path.text.hasSuffix("']") ? path.text.dropLast(2).split(separator: "['", maxSplits: 1) : []
        if pieces.count == 2 || path.text.hasSuffix("['']") {
            let key = pieces.count == 2 ? String(pieces[1]) : ""
            switch pieces.first ?? "" {
            case "metadata.annotations":
                errors.check(reference.with(.string(key)), NameText.qualified(key.lowercased()))
            case "metadata.labels": errors.check(reference.with(.string(key)), NameText.qualified(key))
            default: cannotConvert("field label does not support subscript: \(path.text)")
            }
            return
        }
        let names = ["metadata.name", "metadata.namespace", "metadata.uid"]
        let maps = ["metadata.annotations", "metadata.labels"]
        let ofPods = [
            "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP",
            "status.podIPs",
        ]
        let others = ["spec.host", "spec.restartPolicy", "spec.schedulerName", "status.phase"]
        let allowed = isVolume ? maps + names : names + ofPods
        let name = path.text == "spec.host" ? "spec.nodeName" : path.text
        if !(names + maps + ofPods + others).contains(path.text) {
            cannotConvert("field label not supported: \(path.text)")
        } else if !allowed.contains(name) {
            errors.notSupported(path.with(.string(name)), allowed)
        }
    }

    static func resourceReference(_ reference: Field, isVolume: Bool, _ errors: inout FieldErrors) {
        let resource = reference["resource"]
        let isUnnamed = isVolume && reference["containerName"].text.isEmpty
        if isUnnamed { errors.required(reference["containerName"]) }
        if resource.text.isEmpty {
            if !isUnnamed { errors.required(resource) }
            return
        }
        let known = ["cpu", "ephemeral-storage", "memory"].flatMap { ["limits.\($0)", "requests.\($0)"] }.sorted()
        let (limit, request) = ("limits.hugepages-", "requests.hugepages-")
        let isHuge = resource.text.hasPrefix(limit) || resource.text.hasPrefix(request)
        guard known.contains(resource.text) || isHuge else {
            if !isUnnamed { errors.notSupported(resource, known) }
            return
        }
        guard let divisor = reference["divisor"].quantity, !divisor.isZero else { return }
        let isProcessor = resource.text.hasSuffix("cpu")
        let allowed =
            isProcessor
            ? ["1m", "1"] : ["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"]
        if !allowed.contains(where: { Quantity($0) == divisor }) {
            let kind =
                isHuge ? "hugepages" : resource.text.hasSuffix("memory") ? "memory" : "local ephemeral storage"
            errors.invalid(
                reference["divisor"].with(resource.json),
                isProcessor
                    ? "only divisor's values 1m and 1 are supported with the cpu resource"
                    : "only divisor's values \(allowed.joined(separator: ", ")) are supported with the \(kind) resource"
            )
        }
    }

    static func relativePath(_ path: Field, _ errors: inout FieldErrors) {
        if path.text.hasPrefix("/") { errors.invalid(path, "must be a relative path") }
        if path.text.split(separator: "/").contains("..") { errors.invalid(path, "must not contain '..'") }
    }

    static func resources(_ resources: Field, _ errors: inout FieldErrors) {
        let limits = resources["limits"]
        let requests = resources["requests"]
        var huge = false
        var usual = false
        for list in [limits, requests] {
            for (name, amount) in list.entries {
                amounts(name, amount, list, &errors)
                huge = huge || name.hasPrefix("hugepages-")
                usual = usual || name == "cpu" || name == "memory"
                defer { pages(name, amount, &errors) }
                guard list.path == requests.path, let request = amount.quantity else { continue }
                let cannotShare = name.hasPrefix("hugepages-") || isExtended(name)
                if let limit = limits.entry(name).quantity {
                    if cannotShare, request != limit {
                        errors.invalid(requests.with(amount.json), "must be equal to \(name) limit")
                    } else if !cannotShare, request > limit {
                        errors.invalid(requests.with(amount.json), "must be less than or equal to \(name) limit")
                    }
                } else if cannotShare {
                    errors.required(limits, "Limit must be set for non overcommitable resources")
                }
            }
        }
        if huge, !usual { errors.forbidden(resources, "HugePages require cpu or memory") }
    }

    private static func amounts(_ name: String, _ amount: Field, _ list: Field, _ errors: inout FieldErrors) {
        let standard = ["cpu", "memory", "ephemeral-storage"].contains(name) || name.hasPrefix("hugepages-")
        let texts = NameText.qualified(name)
        errors.check(amount.with(.string(name)), texts)
        if !standard, !name.contains("/") {
            if texts.isEmpty, !quotaNames.contains(name), name != "storage" {
                errors.invalid(amount.with(.string(name)), "must be a standard resource type or fully qualified")
            }
            errors.invalid(amount.with(.string(name)), "must be a standard resource for containers")
        }
        if name.contains("/"), !name.contains("kubernetes.io/"),
            name.hasPrefix("requests.") || !NameText.qualified("requests." + name).isEmpty
        {
            errors.invalid(amount.with(.string(name)), "doesn't follow extended resource name standard")
        }
        guard let quantity = amount.quantity else { return }
        if quantity.isNegative { errors.invalid(amount, "must be greater than or equal to 0") }
        if isExtended(name), quantity.milli % 1000 != 0 { errors.invalid(amount, "must be an integer") }
    }
    private static func pages(_ name: String, _ amount: Field, _ errors: inout FieldErrors) {
        guard name.hasPrefix("hugepages-"), let quantity = amount.quantity else { return }
        let page = Quantity(String(name.dropFirst("hugepages-".count)))?.value ?? 0
        if page <= 0 || quantity.value % page != 0 {
            errors.invalid(amount, "\(quantity) is not positive integer multiple of \(name)")
        }
    }
    /// Whether a name is one of a resource that nodes offer beside those of Kubernetes. Source: `IsExtendedResourceName`.
    static func isExtended(_ name: String) -> Bool {
        guard let slash = name.firstIndex(of: "/") else { return false }
        return !name[..<slash].hasSuffix("kubernetes.io") && !name.hasPrefix("requests.")
    }

    private static func containerSecurity(_ context: Field, sharesUsers: Bool, _ errors: inout FieldErrors) {
        for key in ["runAsUser", "runAsGroup"] { identity(context[key], &errors) }
        if context["procMount"].isPresent, !["Default", "Unmasked"].contains(context["procMount"].text) {
            errors.notSupported(context["procMount"], ["Default", "Unmasked"])
        }
        if sharesUsers, context["procMount"].text == "Unmasked" {
            errors.invalid(context["procMount"], "`hostUsers` must be false to use `Unmasked`")
        }
        seccomp(context["seccompProfile"], &errors)
        defer {
            windowsOptions(context["windowsOptions"], &errors)
            appArmor(context["appArmorProfile"], &errors)
        }
        guard context["allowPrivilegeEscalation"].json == false else { return }
        if context["privileged"].bool {
            errors.invalid(context, "cannot set `allowPrivilegeEscalation` to false and `privileged` to true")
        }
        if context["capabilities"]["add"].json.items.contains("CAP_SYS_ADMIN") {
            errors.invalid(
                context, "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN")
        }
    }

    static func probe(_ probe: Field, _ errors: inout FieldErrors) {
        guard probe.isPresent else { return }
        handler(probe, ["exec", "httpGet", "tcpSocket", "grpc"], &errors)
        for key in ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"] {
            errors.nonNegative(probe[key])
        }
        if let grace = probe["terminationGracePeriodSeconds"].int, grace <= 0 {
            errors.invalid(probe["terminationGracePeriodSeconds"], "must be greater than 0")
        }
    }

    static func handler(
        _ handler: Field, _ kinds: [String], gracePeriod: Int? = nil, _ errors: inout FieldErrors
    ) {
        var found = false
        for kind in kinds where handler[kind].isPresent {
            let action = handler[kind]
            if found {
                errors.forbidden(action, "may not specify more than 1 handler type")
                continue
            }
            found = true
            switch kind {
            case "exec": if action["command"].json.items.isEmpty { errors.required(action["command"]) }
            case "httpGet":
                errors.nonEmpty(action["path"])
                numberOrName(action["port"], &errors)
                errors.oneOf(action["scheme"], ["HTTP", "HTTPS"])
                for header in action["httpHeaders"].items where !isHeaderName(header["name"].text) {
                    errors.invalid(
                        action["httpHeaders"].with(header["name"].json),
                        "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex "
                            + "used for validation is '[-A-Za-z0-9]+')")
                }
            case "tcpSocket": numberOrName(action["port"], &errors)
            case "grpc": portNumber(action["port"], &errors)
            default:
                let seconds = action["seconds"].int ?? 0
                guard let gracePeriod, !(0...max(gracePeriod, 0)).contains(seconds) else { continue }
                errors.invalid(
                    action.with(JSON(seconds)),
                    "must be non-negative and less than terminationGracePeriodSeconds (\(gracePeriod))")
            }
        }
        if !found { errors.required(handler, "must specify a handler type") }
    }
    static func numberOrName(_ port: Field, _ errors: inout FieldErrors) {
        if case .string(let name) = port.json {
            errors.check(port, NameText.portName(name))
        } else {
            portNumber(port.isAbsent ? port.with(0) : port, &errors)
        }
    }
    private static func isHeaderName(_ name: String) -> Bool {
        !name.isEmpty && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
    }
}
