import Shared

/// The containers of a pod. Source: `validateContainers`.
extension Validation {
    static func containers(_ spec: Field, volumes: [String: JSON], _ errors: inout FieldErrors) {
        let list = spec["containers"]
        if list.json.items.isEmpty { errors.required(list) }
        var names: Set<String> = []
        var hostPorts: Set<String> = []
        for container in list.items {
            self.container(container, spec, volumes, &names, &errors)
            ports(container["ports"], usesHost: spec["hostNetwork"].bool, &hostPorts, &errors)
            for key in ["livenessProbe", "startupProbe"] {
                probe(container[key], &errors)
                if let threshold = container[key]["successThreshold"].int, threshold != 1 {
                    errors.invalid(container[key]["successThreshold"], "must be 1")
                }
            }
            probe(container["readinessProbe"], &errors)
            let grace = container["readinessProbe"]["terminationGracePeriodSeconds"]
            if grace.isPresent { errors.invalid(grace, "must not be set for readinessProbes") }
            if container["restartPolicy"].isPresent {
                errors.forbidden(container["restartPolicy"], "may not be set for non-init containers")
            }
            for key in ["postStart", "preStop"] where container["lifecycle"][key].isPresent {
                handler(container["lifecycle"][key], ["exec", "httpGet", "tcpSocket", "sleep"], &errors)
            }
        }
        for container in spec["initContainers"].items {
            self.container(container, spec, volumes, &names, &errors)
            // Each init container runs alone, so that its ports can collide with none but its own.
            var own: Set<String> = []
            ports(container["ports"], usesHost: spec["hostNetwork"].bool, &own, &errors)
            let readiness = container["readinessProbe"]["terminationGracePeriodSeconds"]
            if container["restartPolicy"].text == "Always", readiness.isPresent {
                errors.invalid(readiness, "must not be set for readinessProbes")
            }
            if container["restartPolicy"].isPresent, container["restartPolicy"].text != "Always" {
                errors.notSupported(container["restartPolicy"], ["Always"])
            }
            guard container["restartPolicy"].text != "Always" else {
                for key in ["livenessProbe", "readinessProbe", "startupProbe"] {
                    probe(container[key], &errors)
                    let threshold = container[key]["successThreshold"]
                    if key != "readinessProbe", let number = threshold.int, number != 1 {
                        errors.invalid(threshold, "must be 1")
                    }
                }
                for key in ["postStart", "preStop"] where container["lifecycle"][key].isPresent {
                    handler(container["lifecycle"][key], ["exec", "httpGet", "tcpSocket", "sleep"], &errors)
                }
                continue
            }
            for key in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] where container[key].isPresent {
                errors.forbidden(container[key], "may not be set for init containers without restartPolicy=Always")
            }
        }
        for container in spec["ephemeralContainers"].items {
            self.container(container, spec, volumes, &names, &errors)
            for key in ["ports", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "resizePolicy"]
            where container[key].isPresent {
                errors.forbidden(container[key], "cannot be set for an Ephemeral Container")
            }
            if !container["resources"].json.members.isEmpty {
                errors.forbidden(container["resources"], "cannot be set for an Ephemeral Container")
            }
            for mount in container["volumeMounts"].items {
                for key in ["subPath", "subPathExpr"] where !mount[key].text.isEmpty {
                    errors.forbidden(mount[key], "cannot be set for an Ephemeral Container")
                }
            }
            let target = container["targetContainerName"]
            let known = (spec["containers"].json.items + spec["initContainers"].json.items).map { $0["name"] }
            if !target.text.isEmpty, !known.contains(target.json) { errors.notFound(target) }
        }
    }

    private static func container(
        _ container: Field, _ spec: Field, _ volumes: [String: JSON], _ names: inout Set<String>,
        _ errors: inout FieldErrors
    ) {
        let name = container["name"]
        if name.text.isEmpty { errors.required(name) } else { errors.check(name, NameText.label(name.text)) }
        if !names.insert(name.text).inserted { errors.duplicate(name) }
        let image = container["image"]
        if image.text.isEmpty {
            errors.required(image)
        } else if image.text.trimmingWhitespace != image.text {
            errors.invalid(image, "must not have leading or trailing whitespace")
        }
        errors.oneOf(container["imagePullPolicy"], ["Always", "IfNotPresent", "Never"], required: true)
        let message = container["terminationMessagePolicy"]
        if message.text.isEmpty {
            errors.required(message)
        } else if !["File", "FallbackToLogsOnError"].contains(message.text) {
            errors.invalid(message, "must be 'File' or 'FallbackToLogsOnError'")
        }
        for policy in container["resizePolicy"].items {
            errors.oneOf(policy["resourceName"], ["cpu", "memory"], required: true)
            errors.oneOf(policy["restartPolicy"], ["NotRequired", "RestartContainer"], required: true)
        }
        environment(container, &errors)
        mounts(container, volumes, &errors)
        resources(container["resources"], &errors)
        containerSecurity(container["securityContext"], &errors)
    }

    private static func ports(
        _ ports: Field, usesHost: Bool, _ hostPorts: inout Set<String>, _ errors: inout FieldErrors
    ) {
        var names: Set<String> = []
        for port in ports.items {
            if !port["name"].text.isEmpty {
                let texts = NameText.portName(port["name"].text)
                errors.check(port["name"], texts)
                if texts.isEmpty, !names.insert(port["name"].text).inserted { errors.duplicate(port["name"]) }
            }
            if !port["hostIP"].text.isEmpty, IPAddress(port["hostIP"].text) == nil {
                errors.invalid(port["hostIP"], "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")
            }
            let number = port["containerPort"]
            if (number.int ?? 0) == 0 { errors.required(number) } else { portNumber(number, &errors) }
            if let host = port["hostPort"].int, host != 0 {
                portNumber(port["hostPort"], &errors)
                if usesHost, host != number.int {
                    errors.invalid(number, "must match `hostPort` when `hostNetwork` is true")
                }
                let key = "\(port["protocol"].text)/\(port["hostIP"].text)/\(host)"
                if !hostPorts.insert(key).inserted { errors.duplicate(port["hostPort"], shown: key.goQuoted) }
            }
            errors.oneOf(port["protocol"], ["SCTP", "TCP", "UDP"], required: true)
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
            if given.count != 1 {
                let text =
                    given.isEmpty
                    ? "must specify one of: `configMapRef` or `secretRef`"
                    : "may not have more than one field specified at a time"
                errors.invalid(container["envFrom"].with(""), text)
            }
            for key in given {
                let name = source[key]["name"]
                if name.text.isEmpty {
                    errors.required(name)
                } else {
                    errors.check(name, NameText.subdomain(name.text))
                }
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

    static func fieldReference(_ reference: Field, isVolume: Bool, _ errors: inout FieldErrors) {
        if reference["apiVersion"].text.isEmpty {
            errors.required(reference["apiVersion"])
            return
        } else if reference["apiVersion"].text != "v1" {
            errors.invalid(
                reference["fieldPath"],
                "error converting fieldPath: unsupported pod version: \(reference["apiVersion"].text)")
            return
        }
        let path = reference["fieldPath"]
        if path.text.isEmpty {
            errors.required(path)
            return
        }
        for prefix in ["metadata.annotations['", "metadata.labels['"]
        where path.text.hasPrefix(prefix) && path.text.hasSuffix("']") && path.text.utf8.count > prefix.utf8.count + 1 {
            let key = String(path.text.dropFirst(prefix.count).dropLast(2))
            errors.check(
                reference.with(.string(key)),
                NameText.qualified(prefix.contains("annotations") ? key.lowercased() : key))
            return
        }
        let common = ["metadata.name", "metadata.namespace", "metadata.uid"]
        let allowed =
            common
            + (isVolume
                ? ["metadata.annotations", "metadata.labels"]
                : [
                    "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP",
                    "status.podIPs",
                ])
        let known =
            allowed + [
                "metadata.annotations", "metadata.labels", "status.phase", "spec.restartPolicy", "spec.schedulerName",
            ]
        if !known.contains(path.text) {
            errors.invalid(path, "error converting fieldPath: field label not supported: \(path.text)")
        } else if !allowed.contains(path.text) {
            errors.notSupported(path, allowed.sorted())
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

    private static func mounts(_ container: Field, _ volumes: [String: JSON], _ errors: inout FieldErrors) {
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
            for key in ["subPath", "subPathExpr"] where !mount[key].text.isEmpty {
                relativePath(container["volumeMounts"][key].with(mount[key].json), &errors)
            }
            if !mount["subPath"].text.isEmpty, !mount["subPathExpr"].text.isEmpty {
                errors.invalid(mount["subPathExpr"], "subPathExpr and subPath are mutually exclusive")
            }
            let propagation = mount["mountPropagation"]
            guard propagation.isPresent else { continue }
            let field = container["volumeMounts"]["mountPropagation"].with(propagation.json)
            if !["Bidirectional", "HostToContainer", "None"].contains(propagation.text) {
                errors.notSupported(field, ["Bidirectional", "HostToContainer", "None"])
            } else if propagation.text == "Bidirectional", !container["securityContext"]["privileged"].bool {
                errors.forbidden(field, "Bidirectional mount propagation is available only to privileged containers")
            }
        }
        var devices: Set<String> = []
        var devicesByName: Set<String> = []
        for device in container["volumeDevices"].items {
            errors.nonEmpty(device["name"])
            if !devicesByName.insert(device["name"].text).inserted { errors.invalid(device["name"], "must be unique") }
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
        if name.hasPrefix("hugepages-") {
            let page = Quantity(String(name.dropFirst("hugepages-".count)))?.value ?? 0
            if page <= 0 || quantity.value % page != 0 {
                errors.invalid(amount, "\(quantity) is not positive integer multiple of \(name)")
            }
        }
    }
    /// Whether a name is one of a resource that nodes offer beside those of Kubernetes. Source: `IsExtendedResourceName`.
    static func isExtended(_ name: String) -> Bool {
        guard let slash = name.firstIndex(of: "/") else { return false }
        return !name[..<slash].hasSuffix("kubernetes.io") && !name.hasPrefix("requests.")
    }

    private static func containerSecurity(_ context: Field, _ errors: inout FieldErrors) {
        for key in ["runAsUser", "runAsGroup"] { identity(context[key], &errors) }
        if context["procMount"].isPresent, !["Default", "Unmasked"].contains(context["procMount"].text) {
            errors.notSupported(context["procMount"], ["Default", "Unmasked"])
        }
        seccomp(context["seccompProfile"], &errors)
        defer { windowsOptions(context["windowsOptions"], &errors) }
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

    static func handler(_ handler: Field, _ kinds: [String], _ errors: inout FieldErrors) {
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
            default: errors.nonNegative(action["seconds"])
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
