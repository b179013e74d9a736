import Shared

/// Pods, and the templates of pods in all workloads.
extension Defaults {
    static func pod(_ object: inout JSON) {
        podSpec(&object["spec"])
        object["spec"].fill("enableServiceLinks", true)
        for list in ["containers", "initContainers"] {
            each(&object["spec"], list) { container in
                for (key, limit) in container["resources"]["limits"].members
                where container["resources"]["requests"][key].isNull {
                    container["resources"]["requests"][key] = limit
                }
            }
        }
        object["status"].fill("phase", "Pending")
    }

    static func template(_ template: inout JSON) {
        if !template.isNull { podSpec(&template["spec"]) }
    }

    static func podSpec(_ spec: inout JSON) {
        spec.fill("restartPolicy", "Always")
        spec.fill("terminationGracePeriodSeconds", 30)
        spec.fill("dnsPolicy", "ClusterFirst")
        spec.fill("securityContext", [:])
        spec.fill("schedulerName", "default-scheduler")
        // The older name of the field is kept as a copy.
        if let account = spec["serviceAccountName"].string ?? spec["serviceAccount"].string {
            spec["serviceAccountName"] = .string(account)
            spec["serviceAccount"] = .string(account)
        }
        let usesHostNetwork = spec["hostNetwork"] == true
        each(&spec, "volumes", volume)
        for list in ["containers", "initContainers"] {
            each(&spec, list) { container in
                Defaults.container(&container)
                guard usesHostNetwork else { return }
                each(&container, "ports") { if $0["hostPort"].isNull { $0["hostPort"] = $0["containerPort"] } }
            }
        }
        each(&spec, "ephemeralContainers", container)
        if !spec["overhead"].isNull { spec["overhead"] = milli(spec["overhead"]) }
    }

    private static func container(_ container: inout JSON) {
        container.fill("imagePullPolicy", .string(pullPolicy(container["image"].string ?? "")))
        container.fill("terminationMessagePath", "/dev/termination-log")
        container.fill("terminationMessagePolicy", "File")
        each(&container, "ports") { $0.fill("protocol", "TCP") }
        for key in ["limits", "requests"] where !container["resources"][key].isNull {
            container["resources"][key] = milli(container["resources"][key])
        }
        each(&container, "env") { variable in
            if !variable["valueFrom"]["fieldRef"].isNull { variable["valueFrom"]["fieldRef"].fill("apiVersion", "v1") }
            if !variable["valueFrom"]["resourceFieldRef"].isNull {
                variable["valueFrom"]["resourceFieldRef"].fill("divisor", "0")
            }
        }
        for key in ["livenessProbe", "readinessProbe", "startupProbe"] where !container[key].isNull {
            probe(&container[key])
        }
        for key in ["postStart", "preStop"] where !container["lifecycle"][key]["httpGet"].isNull {
            httpGet(&container["lifecycle"][key]["httpGet"])
        }
    }

    /// Amounts are counted in thousandths; finer ones are rounded up.
    private static func milli(_ amounts: JSON) -> JSON {
        var result = JSON.Members()
        for (key, value) in amounts.members {
            guard let quantity = value.string.flatMap({ Quantity($0) }) else {
                result.append(key, value)
                continue
            }
            let rounded = Quantity(milli: quantity.milli)
            result.append(key, quantity < rounded ? .string(rounded.description) : value)
        }
        return .object(result)
    }

    /// An image that can change under its name is pulled each time; a name that is none is taken to be fixed.
    /// Source: `SetDefaults_Container`, distribution `reference.ParseNormalizedNamed`.
    static func pullPolicy(_ image: String) -> String {
        let halves = image.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        let name = halves.first ?? ""
        let start = name.lastIndex(of: "/") ?? name.startIndex
        let colon = name[start...].firstIndex(of: ":")
        let tag = colon.map { name[name.index(after: $0)...] }
        let path = colon.map { name[..<$0] } ?? name
        guard isRepository(path) else { return "IfNotPresent" }
        if let tag { return tag == "latest" ? "Always" : "IfNotPresent" }
        return halves.count == 1 ? "Always" : "IfNotPresent"
    }
    private static func isRepository(_ path: Substring) -> Bool {
        var parts = path.split(separator: "/", omittingEmptySubsequences: false)
        if parts.count > 1, let first = parts.first,
            first == "localhost" || first.contains(where: { $0 == "." || $0 == ":" || $0.isUppercase })
        {
            parts.removeFirst()
        }
        return parts.allSatisfy { part in
            guard let first = part.utf8.first, let last = part.utf8.last else { return false }
            func isPlain(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) }
            return isPlain(first) && isPlain(last)
                && part.utf8.allSatisfy { isPlain($0) || $0 == 0x2D || $0 == 0x2E || $0 == 0x5F }
        }
    }

    private static func probe(_ probe: inout JSON) {
        let numbers: [(String, JSON)] = [
            ("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3),
        ]
        for (key, value) in numbers where probe[key].isNull || probe[key] == 0 { probe[key] = value }
        if !probe["httpGet"].isNull { httpGet(&probe["httpGet"]) }
        if !probe["grpc"].isNull, probe["grpc"]["service"].isNull { probe["grpc"]["service"] = "" }
    }
    private static func httpGet(_ action: inout JSON) {
        action.fill("path", "/")
        action.fill("scheme", "HTTP")
    }

    private static func volume(_ volume: inout JSON) {
        if volume.members.count == 1, !volume["name"].isNull {
            volume["emptyDir"] = [:]
            return
        }
        for key in ["secret", "configMap", "downwardAPI", "projected"] where !volume[key].isNull {
            volume[key].fill("defaultMode", 420)
        }
        if !volume["downwardAPI"].isNull { each(&volume["downwardAPI"], "items", downwardItem) }
        if !volume["projected"].isNull {
            each(&volume["projected"], "sources") { source in
                if !source["serviceAccountToken"].isNull {
                    source["serviceAccountToken"].fill("expirationSeconds", 3600)
                }
                if !source["downwardAPI"].isNull { each(&source["downwardAPI"], "items", downwardItem) }
            }
        }
        if !volume["ephemeral"]["volumeClaimTemplate"].isNull {
            volume["ephemeral"]["volumeClaimTemplate"]["spec"].fill("volumeMode", "Filesystem")
        }
        if !volume["image"].isNull {
            volume["image"].fill("pullPolicy", .string(pullPolicy(volume["image"]["reference"].string ?? "")))
        }
        source(&volume)
    }
    private static func downwardItem(_ item: inout JSON) {
        if !item["fieldRef"].isNull { item["fieldRef"].fill("apiVersion", "v1") }
        if !item["resourceFieldRef"].isNull { item["resourceFieldRef"].fill("divisor", "0") }
    }

    /// What volumes of pods and persistent volumes share.
    static func source(_ volume: inout JSON) {
        let values: [(String, String, JSON)] = [
            ("hostPath", "type", ""), ("iscsi", "iscsiInterface", "default"), ("rbd", "pool", "rbd"),
            ("rbd", "user", "admin"), ("rbd", "keyring", "/etc/ceph/keyring"),
            ("azureDisk", "cachingMode", "ReadWrite"), ("azureDisk", "fsType", "ext4"),
            ("azureDisk", "readOnly", false),
            ("azureDisk", "kind", "Shared"), ("scaleIO", "storageMode", "ThinProvisioned"),
            ("scaleIO", "fsType", "xfs"),
        ]
        for (source, field, value) in values where !volume[source].isNull { volume[source].fill(field, value) }
    }
}
