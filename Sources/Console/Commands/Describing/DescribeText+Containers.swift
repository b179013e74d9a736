import Shared

/// Containers and volumes of pods and of templates.
extension DescribeText {
    /// - Parameters:
    ///   - statuses: of the containers by name; nil for a template.
    ///   - pod: gives the values of fields; `.null` for a template.
    mutating func containers(_ title: String, _ containers: [JSON], statuses: [JSON]?, pod: JSON, indent: String) {
        line(0, "\(indent)\(title):" + (containers.isEmpty ? " <none>" : ""))
        for container in containers {
            let name = container["name"].string ?? ""
            let status = statuses?.first { $0["name"].string == name }
            line(1, (indent.isEmpty ? "" : " ") + "\(name):")
            basics(container, status)
            for (title, key) in [("Command", "command"), ("Args", "args")] {
                let words = container[key].items.compactMap(\.string)
                if !words.isEmpty { line(2, "\(title):") }
                for text in words.flatMap({ $0.split(separator: "\n", omittingEmptySubsequences: false) }) {
                    line(3, String(text))
                }
            }
            if let status { state(status) }
            for (title, key) in [("Limits", "limits"), ("Requests", "requests")] {
                let amounts = container["resources"][key].members.sorted()
                if !amounts.isEmpty { line(2, "\(title):") }
                for (name, amount) in amounts { line(3, "\(name):\t\(ServerTable.text(amount))") }
            }
            for (title, key) in [
                ("Liveness", "livenessProbe"), ("Readiness", "readinessProbe"), ("Startup", "startupProbe"),
            ]
            where !container[key].isNull {
                line(2, "\(title):\t\(DescribeText.probe(container[key]))")
            }
            environment(container, pod)
            mounts(container, isTemplate: statuses == nil)
        }
    }

    private mutating func basics(_ container: JSON, _ status: JSON?) {
        if let status { line(2, "Container ID:\t\(status["containerID"].string ?? "")") }
        line(2, "Image:\t\(container["image"].string ?? "")")
        if let status { line(2, "Image ID:\t\(status["imageID"].string ?? "")") }
        let ports = container["ports"].items
        let own = ports.map { "\($0["containerPort"].int ?? 0)/\($0["protocol"].string ?? "TCP")" }
        let host = ports.map { "\($0["hostPort"].int ?? 0)/\($0["protocol"].string ?? "TCP")" }
        for (title, list) in [("Port", own), ("Host Port", host)] {
            line(2, "\(title)\(list.count > 1 ? "s" : ""):\t\(list.isEmpty ? "<none>" : list.joined(separator: ", "))")
        }
        seccomp(2, container["securityContext"]["seccompProfile"])
    }

    mutating func seccomp(_ level: Int, _ profile: JSON) {
        guard let type = profile["type"].string else { return }
        line(level, "SeccompProfile:\t\(type)")
        if type == "Localhost" { line(level, "LocalhostProfile:\t\(profile["localhostProfile"].string ?? "")") }
    }

    private mutating func state(_ status: JSON) {
        one("State", status["state"])
        if !status["lastState"]["terminated"].isNull { one("Last State", status["lastState"]) }
        line(2, "Ready:\t\(status["ready"].bool == true ? "True" : "False")")
        line(2, "Restart Count:\t\(status["restartCount"].int ?? 0)")
    }

    private mutating func one(_ title: String, _ state: JSON) {
        if !state["running"].isNull {
            line(2, "\(title):\tRunning")
            line(3, "Started:\t\(time(state["running"]["startedAt"]))")
        } else if !state["terminated"].isNull {
            let end = state["terminated"]
            line(2, "\(title):\tTerminated")
            for (title, key) in [("Reason", "reason"), ("Message", "message")] {
                if let text = end[key].string, !text.isEmpty { line(3, "\(title):\t\(text)") }
            }
            line(3, "Exit Code:\t\(end["exitCode"].int ?? 0)")
            if let signal = end["signal"].int, signal > 0 { line(3, "Signal:\t\(signal)") }
            line(3, "Started:\t\(time(end["startedAt"]))")
            line(3, "Finished:\t\(time(end["finishedAt"]))")
        } else {
            line(2, "\(title):\tWaiting")
            if let reason = state["waiting"]["reason"].string, !reason.isEmpty { line(3, "Reason:\t\(reason)") }
        }
    }

    static func probe(_ probe: JSON) -> String {
        let times =
            "delay=\(probe["initialDelaySeconds"].int ?? 0)s timeout=\(probe["timeoutSeconds"].int ?? 1)s "
            + "period=\(probe["periodSeconds"].int ?? 10)s #success=\(probe["successThreshold"].int ?? 1) "
            + "#failure=\(probe["failureThreshold"].int ?? 3)"
        let http = probe["httpGet"]
        if !probe["exec"].isNull {
            return "exec [\(probe["exec"]["command"].items.compactMap(\.string).joined(separator: " "))] \(times)"
        } else if !http.isNull {
            let path = http["path"].string ?? "/"
            return "http-get \((http["scheme"].string ?? "HTTP").lowercased())://\(http["host"].string ?? ""):"
                + "\(ServerTable.text(http["port"]))\(path.hasPrefix("/") ? path : "/" + path) \(times)"
        } else if !probe["tcpSocket"].isNull {
            let socket = probe["tcpSocket"]
            return "tcp-socket \(socket["host"].string ?? ""):\(ServerTable.text(socket["port"])) \(times)"
        } else if !probe["grpc"].isNull {
            return "grpc <pod>:\(probe["grpc"]["port"].int ?? 0) \(probe["grpc"]["service"].string ?? "") \(times)"
        }
        return "unknown \(times)"
    }

    private mutating func environment(_ container: JSON, _ pod: JSON) {
        let sources = container["envFrom"].items
        if !sources.isEmpty { line(2, "Environment Variables from:") }
        for source in sources {
            let isMap = !source["configMapRef"].isNull
            let reference = source[isMap ? "configMapRef" : "secretRef"]
            let prefix = source["prefix"].string.map { $0.isEmpty ? "" : " with prefix '\($0)'" } ?? ""
            line(
                3,
                "\(reference["name"].string ?? "")\t\(isMap ? "ConfigMap" : "Secret")\(prefix)\tOptional: \(reference["optional"].bool ?? false)"
            )
        }
        let variables = container["env"].items
        line(2, "Environment:" + (variables.isEmpty ? "\t<none>" : ""))
        for variable in variables {
            let name = variable["name"].string ?? ""
            let from = variable["valueFrom"]
            if from.isNull {
                let lines = (variable["value"].string ?? "").split(separator: "\n", omittingEmptySubsequences: false)
                line(3, "\(name):\t\(lines.first ?? "")")
                for next in lines.dropFirst() { line(3, "\t\(next)") }
            } else if let path = from["fieldRef"]["fieldPath"].string {
                let value = DescribeText.field(path, of: pod)
                line(3, "\(name):\t\(value) (\(from["fieldRef"]["apiVersion"].string ?? "v1"):\(path))")
            } else if let resource = from["resourceFieldRef"]["resource"].string {
                line(
                    3,
                    "\(name):\t\(DescribeText.amount(resource, of: container, from["resourceFieldRef"])) (\(resource))")
            } else {
                let isSecret = !from["secretKeyRef"].isNull
                let reference = from[isSecret ? "secretKeyRef" : "configMapKeyRef"]
                let place = isSecret ? "in secret" : "of config map"
                line(
                    3,
                    "\(name):\t<set to the key '\(reference["key"].string ?? "")' \(place) '\(reference["name"].string ?? "")'>\tOptional: \(reference["optional"].bool ?? false)"
                )
            }
        }
    }

    /// The value of a field, of the few that kubectl resolves: the others stay empty.
    static func field(_ path: String, of pod: JSON) -> String {
        guard ["metadata.name", "metadata.namespace", "metadata.uid"].contains(path) else { return "" }
        return pod.at(path.split(separator: ".").map(String.init)).string ?? ""
    }

    /// The amount divided by the divisor, rounded up. Source: `resource.ExtractContainerResourceValue`.
    static func amount(_ resource: String, of container: JSON, _ reference: JSON) -> String {
        let parts = resource.split(separator: ".", maxSplits: 1).map(String.init)
        guard parts.count == 2, let amount = container["resources"][parts[0]][parts[1]].string.flatMap({ Quantity($0) })
        else { return "0" }
        let divisor =
            reference["divisor"].string.flatMap { Quantity($0) }.flatMap { $0.isZero ? nil : $0 } ?? Quantity(1)
        let result = (amount.double / divisor.double).rounded(.up)
        return Int64(exactly: result).map { String($0) } ?? "0"
    }

    private mutating func mounts(_ container: JSON, isTemplate: Bool) {
        let mounts = container["volumeMounts"].items.sorted {
            ($0["mountPath"].string ?? "") < ($1["mountPath"].string ?? "")
        }
        line(2, "Mounts:" + (mounts.isEmpty ? "\t<none>" : ""))
        for mount in mounts {
            var flags = mount["readOnly"].bool == true ? "ro" : "rw"
            if let path = mount["subPath"].string, !path.isEmpty { flags += ",path=\"\(path)\"" }
            line(3, "\(mount["mountPath"].string ?? "") from \(mount["name"].string ?? "") (\(flags))")
        }
        let devices = container["volumeDevices"].items.sorted {
            ($0["devicePath"].string ?? "") < ($1["devicePath"].string ?? "")
        }
        if !devices.isEmpty { line(2, "Devices:" + (isTemplate ? "\t<none>" : "")) }
        for device in devices {
            line(3, "\(device["devicePath"].string ?? "") from \(device["name"].string ?? "")")
        }
    }

    mutating func volumes(_ volumes: [JSON], indent: String) {
        line(0, "\(indent)Volumes:" + (volumes.isEmpty ? "\t<none>" : ""))
        for volume in volumes {
            line(1, (indent.isEmpty ? "" : " ") + "\(volume["name"].string ?? ""):")
            guard let source = volume.members.first(where: { $0.key != "name" }) else { continue }
            self.source(source.key, source.value)
        }
    }

    /// - Parameter isCluster: the source of a PersistentVolume, in which some sources have more members.
    mutating func source(_ kind: String, _ source: JSON, isCluster: Bool = false) {
        func text(_ key: String, _ fallback: String = "") -> String {
            source[key].isNull ? fallback : ServerTable.text(source[key])
        }
        switch kind {
        case "emptyDir":
            line(2, "Type:\tEmptyDir (a temporary directory that shares a pod's lifetime)")
            line(2, "Medium:\t\(text("medium"))")
            line(2, "SizeLimit:\t\(text("sizeLimit", "<unset>"))")
        case "hostPath":
            line(2, "Type:\tHostPath (bare host directory volume)")
            line(2, "Path:\t\(text("path"))")
            line(2, "HostPathType:\t\(text("type"))")
        case "secret":
            line(2, "Type:\tSecret (a volume populated by a Secret)")
            line(2, "SecretName:\t\(text("secretName"))")
            line(2, "Optional:\t\(text("optional", "false"))")
        case "configMap":
            line(2, "Type:\tConfigMap (a volume populated by a ConfigMap)")
            line(2, "Name:\t\(text("name"))")
            line(2, "Optional:\t\(text("optional", "false"))")
        case "persistentVolumeClaim":
            line(2, "Type:\tPersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)")
            line(2, "ClaimName:\t\(text("claimName"))")
            line(2, "ReadOnly:\t\(text("readOnly", "false"))")
        case "downwardAPI":
            line(2, "Type:\tDownwardAPI (a volume populated by information about the pod)")
            line(2, "Items:")
            for item in source["items"].items {
                let from =
                    item.at("fieldRef", "fieldPath").string ?? item.at("resourceFieldRef", "resource").string ?? ""
                line(3, "\(from) -> \(item["path"].string ?? "")")
            }
        case "projected":
            line(2, "Type:\tProjected (a volume that contains injected data from multiple sources)")
            for part in source["sources"].items {
                if let name = part["secret"]["name"].string {
                    line(2, "SecretName:\t\(name)")
                    line(2, "Optional:\t\(part["secret"]["optional"].bool ?? false)")
                } else if !part["downwardAPI"].isNull {
                    line(2, "DownwardAPI:\ttrue")
                } else if let name = part["configMap"]["name"].string {
                    line(2, "ConfigMapName:\t\(name)")
                    line(2, "Optional:\t\(part["configMap"]["optional"].bool ?? false)")
                } else if !part["serviceAccountToken"].isNull {
                    line(2, "TokenExpirationSeconds:\t\(part["serviceAccountToken"]["expirationSeconds"].int ?? 3600)")
                }
            }
        case "nfs":
            line(2, "Type:\tNFS (an NFS mount that lasts the lifetime of a pod)")
            line(2, "Server:\t\(text("server"))")
            line(2, "Path:\t\(text("path"))")
            line(2, "ReadOnly:\t\(text("readOnly", "false"))")
        case "local":
            line(2, "Type:\tLocalVolume (a persistent volume backed by local storage on a node)")
            line(2, "Path:\t\(text("path"))")
        case "csi":
            line(2, "Type:\tCSI (a Container Storage Interface (CSI) volume source)")
            line(2, "Driver:\t\(text("driver"))")
            line(2, "FSType:\t\(text("fsType"))")
            if isCluster { line(2, "VolumeHandle:\t\(text("volumeHandle"))") }
            line(2, "ReadOnly:\t\(text("readOnly", "false"))")
            let attributes = source["volumeAttributes"].strings.sorted { $0.key < $1.key }.map {
                "\($0.key)=\($0.value)"
            }
            line(2, "VolumeAttributes:\t\(attributes.first.map { "    " + $0 } ?? "<none>")")
            for attribute in attributes.dropFirst() { line(2, "\t    \(attribute)") }
        case "image":
            line(2, "Type:\tImage (a container image or OCI artifact)")
            line(2, "Reference:\t\(text("reference"))")
            line(2, "PullPolicy:\t\(text("pullPolicy"))")
        case "ephemeral":
            line(
                2,
                "Type:\tEphemeralVolume (an inline specification for a volume that gets created and deleted with the pod)"
            )
            let template = source["volumeClaimTemplate"]
            let spec = template["spec"]
            line(2, "StorageClass:\t\(spec["storageClassName"].string ?? "")")
            line(2, "Volume:\t\(spec["volumeName"].string ?? "")")
            for (title, key, mark) in [("Labels", "labels", "="), ("Annotations", "annotations", ": ")] {
                let own = template.at("metadata", key).strings.sorted { $0.key < $1.key }
                let texts = own.map { "    \($0.key)\(mark)\($0.value)" }
                pairs("    \(title)", texts.isEmpty ? ["    <none>"] : texts)
            }
            line(2, "Capacity:\t")
            line(2, "Access Modes:\t")
            if let mode = spec["volumeMode"].string { line(2, "VolumeMode:\t\(mode)") }
        default:
            if oldSource(kind, source, isCluster: isCluster) { return }
            line(2, "Type:\t\(kind.prefix(1).uppercased())\(kind.dropFirst())")
            for (key, value) in source.members { line(2, "\(SmartLabel.of(key)):\t\(ServerTable.text(value))") }
        }
    }

    mutating func template(_ template: JSON) {
        let spec = template["spec"]
        line(0, "Pod Template:")
        labels("  Labels", template.at("metadata", "labels").strings)
        let notes = template.at("metadata", "annotations").strings
        if !notes.isEmpty { pairs("  Annotations", notes.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }) }
        if let account = spec["serviceAccountName"].string, !account.isEmpty {
            line(0, "  Service Account:\t\(account)")
        }
        if !spec["initContainers"].items.isEmpty {
            containers("Init Containers", spec["initContainers"].items, statuses: nil, pod: .null, indent: "  ")
        }
        containers("Containers", spec["containers"].items, statuses: nil, pod: .null, indent: "  ")
        volumes(spec["volumes"].items, indent: "  ")
        spread("  Topology Spread Constraints", spec["topologySpreadConstraints"].items)
        if let name = spec["priorityClassName"].string, !name.isEmpty { line(0, "  Priority Class Name:\t\(name)") }
        labels("  Node-Selectors", spec["nodeSelector"].strings)
        tolerations("  Tolerations", spec["tolerations"].items)
    }

    /// How pods are to lie apart; nothing when nothing is said.
    mutating func spread(_ title: String, _ constraints: [JSON]) {
        if constraints.isEmpty { return }
        let sorted = constraints.sorted { ($0["topologyKey"].string ?? "") < ($1["topologyKey"].string ?? "") }
        pairs(
            title,
            sorted.map { constraint in
                let selector = constraint["labelSelector"]
                return
                    "\(constraint["topologyKey"].string ?? ""):\(constraint["whenUnsatisfiable"].string ?? "") when max "
                    + "skew \(constraint["maxSkew"].int ?? 0) is exceeded"
                    + (selector.isNull ? "" : " for selector \(DescribeText.selector(selector))")
            })
    }

    mutating func tolerations(_ title: String, _ tolerations: [JSON]) {
        let sorted = tolerations.sorted { ($0["key"].string ?? "") < ($1["key"].string ?? "") }
        pairs(
            title,
            sorted.map { toleration in
                var text = toleration["key"].string ?? ""
                if let value = toleration["value"].string, !value.isEmpty { text += "=\(value)" }
                if let effect = toleration["effect"].string, !effect.isEmpty { text += ":\(effect)" }
                if toleration["operator"].string == "Exists", (toleration["value"].string ?? "").isEmpty {
                    text += text.isEmpty ? "op=Exists" : " op=Exists"
                }
                if let seconds = toleration["tolerationSeconds"].int { text += " for \(seconds)s" }
                return text
            })
    }

    /// The events of an object, oldest first.
    mutating func events(_ events: [JSON]) {
        guard !events.isEmpty else { return line(0, "Events:\t<none>") }
        flush()
        line(0, "Events:\n  Type\tReason\tAge\tFrom\tMessage")
        line(1, "----\t------\t----\t----\t-------")
        for event in events.sorted(by: { EventText.last($0) < EventText.last($1) }) {
            line(
                1,
                "\(event["type"].string ?? "")\t\(event["reason"].string ?? "")\t\(EventText.interval(event, now: now))\t"
                    + "\(EventText.source(event))\t\(SafeLine.clean(EventText.message(event)))")
        }
    }
}

/// The parts of an event as kubectl shows them. Pure.
enum EventText {
    static func last(_ event: JSON) -> String {
        event["lastTimestamp"].string ?? event.at("series", "lastObservedTime").string ?? event["eventTime"].string
            ?? ""
    }
    static func source(_ event: JSON) -> String {
        let component = event.at("source", "component").string ?? ""
        return component.isEmpty
            ? event["reportingComponent"].string ?? event["reportingController"].string ?? "" : component
    }
    static func message(_ event: JSON) -> String {
        var text = Substring(event["message"].string ?? event["note"].string ?? "")
        while let end = text.last, end.isWhitespace { text.removeLast() }
        while let start = text.first, start.isWhitespace { text.removeFirst() }
        return String(text)
    }
    static func interval(_ event: JSON, now: Timestamp) -> String {
        func age(_ json: JSON) -> String? {
            json.string.map { text in Timestamp(rfc3339: text).map { (now - $0).human } ?? text }
        }
        let first = age(event["firstTimestamp"]) ?? age(event["eventTime"]) ?? "<unknown>"
        let count = event.at("series", "count").int ?? event["count"].int ?? 1
        guard count > 1 else { return first }
        let last = age(event.at("series", "lastObservedTime")) ?? age(event["lastTimestamp"]) ?? first
        return "\(last) (x\(count) over \(first))"
    }
}
