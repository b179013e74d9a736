import Shared

/// The checks of the pod security standards. Pure: a pod goes in, what it must not do comes out.
/// Source: `k8s.io/pod-security-admission/policy`, kubernetes.io "Pod Security Standards".
enum PodSecurity {
    typealias Level = PodSecurityPolicy.Level

    /// Pods and everything that makes pods: an object with `metadata` and `spec` of a pod; nil for other kinds.
    static func template(_ object: JSON, _ resource: Resource) -> JSON? {
        switch resource.groupResource.description {
        case "pods": return object
        case "podtemplates": return object["template"]
        case "cronjobs.batch": return object["spec"]["jobTemplate"]["spec"]["template"]
        case "replicationcontrollers", "replicasets.apps", "deployments.apps", "statefulsets.apps", "daemonsets.apps",
            "jobs.batch":
            let template = object["spec"]["template"]
            return template.isNull ? nil : template
        default: return nil
        }
    }

    /// Whether an update of a pod changes what the checks look at.
    static func isSignificant(_ new: JSON, _ old: JSON) -> Bool {
        func images(_ pod: JSON) -> [JSON] {
            ["containers", "initContainers"].flatMap { pod["spec"][$0].items.map { $0["image"] } }
        }
        func profiles(_ pod: JSON) -> [String: String] {
            pod["metadata"]["annotations"].strings.filter {
                $0.key.hasPrefix("container.apparmor.security.beta.kubernetes.io/")
                    || $0.key.hasPrefix("seccomp.security.alpha.kubernetes.io/")
                    || $0.key.hasPrefix("container.seccomp.security.alpha.kubernetes.io/")
            }
        }
        return images(new) != images(old) || profiles(new) != profiles(old)
            || new["spec"]["ephemeralContainers"].items.count != old["spec"]["ephemeralContainers"].items.count
    }

    /// `privileged (container "web" must not set securityContext.privileged=true)` and the like, in the order of a real
    /// server. The stricter of two checks on one thing replaces the other.
    static func violations(_ pod: JSON, _ level: Level, version: Int) -> [String] {
        guard level != .privileged else { return [] }
        let subject = Subject(pod: pod)
        var found = [
            subject.appArmor(), subject.hostNamespaces(), subject.hostPaths(), subject.hostPorts(),
            subject.privileged(), subject.procMount(), subject.seLinux(), subject.sysctls(version),
            subject.windowsHost(),
        ]
        let isRestricted = level == .restricted
        if !isRestricted || version < 22 { found.append(subject.capabilitiesBaseline()) }
        if !isRestricted || version < 19 { found.append(subject.seccomp()) }
        guard isRestricted else { return found.compactMap(\.self) }
        if version >= 8 { found.append(subject.escalation()) }
        if version >= 22 { found.append(subject.capabilitiesRestricted()) }
        found.append(subject.restrictedVolumes())
        found.append(subject.runAsNonRoot())
        if version >= 23 { found.append(subject.runAsUser()) }
        if version >= 19 { found.append(subject.seccompRestricted()) }
        return found.compactMap(\.self)
    }

    /// A pod as the checks look at it.
    struct Subject {
        let pod: JSON
        var spec: JSON { pod["spec"] }
        var context: JSON { spec["securityContext"] }
        let containers: [JSON]

        init(pod: JSON) {
            self.pod = pod
            let spec = pod["spec"]
            containers = spec["initContainers"].items + spec["containers"].items + spec["ephemeralContainers"].items
        }

        func names(where holds: (JSON) -> Bool) -> [String] {
            containers.filter(holds).map { $0["name"].string ?? "" }
        }
        static func quoted(_ items: some Sequence<String>) -> String {
            items.map { "\"\($0)\"" }.joined(separator: ", ")
        }
        /// `container "a"` or `containers "a", "b"`.
        static func listed(_ names: [String]) -> String {
            "\(names.count == 1 ? "container" : "containers") \(quoted(names))"
        }
        /// `pod and container "a"`.
        static func setters(pod: Bool, _ names: [String]) -> String? {
            let parts = (pod ? ["pod"] : []) + (names.isEmpty ? [] : [listed(names)])
            return parts.isEmpty ? nil : parts.joined(separator: " and ")
        }
    }
}

extension PodSecurity.Subject {
    // What `baseline` forbids.

    fileprivate func privileged() -> String? {
        let bad = names { $0["securityContext"]["privileged"] == true }
        return bad.isEmpty ? nil : "privileged (\(Self.listed(bad)) must not set securityContext.privileged=true)"
    }

    fileprivate func hostNamespaces() -> String? {
        let used = ["hostNetwork", "hostPID", "hostIPC"].filter { spec[$0] == true }
        return used.isEmpty ? nil : "host namespaces (\(used.map { "\($0)=true" }.joined(separator: ", ")))"
    }

    fileprivate func hostPaths() -> String? {
        let bad = spec["volumes"].items.filter { !$0["hostPath"].isNull }.map { $0["name"].string ?? "" }
        return bad.isEmpty ? nil : "hostPath volumes (\(bad.count == 1 ? "volume" : "volumes") \(Self.quoted(bad)))"
    }

    fileprivate func hostPorts() -> String? {
        func ports(_ container: JSON) -> [Int] {
            container["ports"].items.compactMap { $0["hostPort"].int }.filter { $0 != 0 }
        }
        let bad = names { !ports($0).isEmpty }
        guard !bad.isEmpty else { return nil }
        let used = Set(containers.flatMap(ports).map(String.init)).sorted()
        let what = used.count == 1 ? "hostPort" : "hostPorts"
        return
            "hostPort (\(Self.listed(bad)) \(bad.count == 1 ? "uses" : "use") \(what) \(used.joined(separator: ", ")))"
    }

    fileprivate func capabilitiesBaseline() -> String? {
        let allowed: Set<String> = [
            "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP",
            "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
        ]
        guard let detail = added(beyond: allowed) else { return nil }
        return "non-default capabilities (\(detail))"
    }
    private func added(beyond allowed: Set<String>) -> String? {
        func extra(_ container: JSON) -> [String] {
            container["securityContext"]["capabilities"]["add"].items.compactMap(\.string).filter {
                !allowed.contains($0)
            }
        }
        let bad = names { !extra($0).isEmpty }
        guard !bad.isEmpty else { return nil }
        let found = Set(containers.flatMap(extra)).sorted()
        return "\(Self.listed(bad)) must not include \(Self.quoted(found)) in securityContext.capabilities.add"
    }

    fileprivate func procMount() -> String? {
        func bad(_ container: JSON) -> Bool {
            let mount = container["securityContext"]["procMount"].string ?? "Default"
            return mount != "Default"
        }
        let found = names(where: bad)
        guard !found.isEmpty else { return nil }
        let values = Set(containers.filter(bad).compactMap { $0["securityContext"]["procMount"].string }).sorted()
        return "procMount (\(Self.listed(found)) must not set securityContext.procMount to \(Self.quoted(values)))"
    }

    private static func isAllowed(seccomp profile: JSON) -> Bool {
        profile["type"] == "RuntimeDefault" || profile["type"] == "Localhost"
    }
    /// Profiles that are named and not allowed.
    fileprivate func seccomp() -> String? {
        func isBad(_ context: JSON) -> Bool {
            !context["seccompProfile"].isNull && !Self.isAllowed(seccomp: context["seccompProfile"])
        }
        guard let who = Self.setters(pod: isBad(context), names { isBad($0["securityContext"]) }) else { return nil }
        let all = ([context] + containers.map { $0["securityContext"] }).filter(isBad)
        let values = Set(all.map { $0["seccompProfile"]["type"].string ?? "" }).sorted()
        return "seccompProfile (\(who) must not set securityContext.seccompProfile.type to \(Self.quoted(values)))"
    }

    fileprivate func seLinux() -> String? {
        let allowed: Set<String> = ["", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"]
        func isBad(_ options: JSON) -> Bool {
            !allowed.contains(options["type"].string ?? "") || !(options["user"].string ?? "").isEmpty
                || !(options["role"].string ?? "").isEmpty
        }
        let ofPod = context["seLinuxOptions"]
        guard let who = Self.setters(pod: isBad(ofPod), names { isBad($0["securityContext"]["seLinuxOptions"]) }) else {
            return nil
        }
        let all = [ofPod] + containers.map { $0["securityContext"]["seLinuxOptions"] }
        let types = Set(all.compactMap { $0["type"].string }).filter { !allowed.contains($0) }.sorted()
        var parts: [String] = []
        if !types.isEmpty { parts.append("\(types.count == 1 ? "type" : "types") \(Self.quoted(types))") }
        if all.contains(where: { !($0["user"].string ?? "").isEmpty }) { parts.append("user may not be set") }
        if all.contains(where: { !($0["role"].string ?? "").isEmpty }) { parts.append("role may not be set") }
        return
            "seLinuxOptions (\(who) set forbidden securityContext.seLinuxOptions: \(parts.joined(separator: "; ")))"
    }

    fileprivate func sysctls(_ version: Int) -> String? {
        var allowed: Set<String> = [
            "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies",
            "net.ipv4.ping_group_range", "net.ipv4.ip_unprivileged_port_start",
        ]
        if version >= 27 { allowed.insert("net.ipv4.ip_local_reserved_ports") }
        if version >= 29 {
            allowed.formUnion([
                "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
                "net.ipv4.tcp_keepalive_probes",
            ])
        }
        if version >= 32 { allowed.formUnion(["net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"]) }
        let bad = context["sysctls"].items.compactMap { $0["name"].string }.filter { !allowed.contains($0) }
        return bad.isEmpty ? nil : "forbidden sysctls (\(bad.joined(separator: ", ")))"
    }

    fileprivate func appArmor() -> String? {
        let prefix = "container.apparmor.security.beta.kubernetes.io/"
        var bad = pod["metadata"]["annotations"].strings.filter { key, value in
            key.hasPrefix(prefix) && !value.isEmpty && value != "runtime/default" && !value.hasPrefix("localhost/")
        }.map { "\($0.key)=\"\($0.value)\"" }.sorted()
        func isBad(_ context: JSON) -> Bool {
            let profile = context["appArmorProfile"]
            return !profile.isNull && !Self.isAllowed(seccomp: profile)
        }
        if let who = Self.setters(pod: isBad(context), names { isBad($0["securityContext"]) }) {
            let all = ([context] + containers.map { $0["securityContext"] }).filter(isBad)
            let values = Set(all.map { $0["appArmorProfile"]["type"].string ?? "" }).sorted()
            bad.insert("\(who) must not set AppArmor profile type to \(Self.quoted(values))", at: 0)
        }
        guard !bad.isEmpty else { return nil }
        return
            "\(bad.count == 1 ? "forbidden AppArmor profile" : "forbidden AppArmor profiles") (\(bad.joined(separator: ", ")))"
    }

    fileprivate func windowsHost() -> String? {
        let ofPod = context["windowsOptions"]["hostProcess"] == true
        let bad = names { $0["securityContext"]["windowsOptions"]["hostProcess"] == true }
        guard let who = Self.setters(pod: ofPod, bad) else { return nil }
        return "hostProcess (\(who) must not set securityContext.windowsOptions.hostProcess=true)"
    }

    // What `restricted` forbids on top.

    fileprivate func escalation() -> String? {
        let bad = names { $0["securityContext"]["allowPrivilegeEscalation"] != false }
        guard !bad.isEmpty else { return nil }
        return
            "allowPrivilegeEscalation != false (\(Self.listed(bad)) must set securityContext.allowPrivilegeEscalation=false)"
    }

    fileprivate func capabilitiesRestricted() -> String? {
        let keeping = names { container in
            !container["securityContext"]["capabilities"]["drop"].items.contains("ALL")
        }
        var parts: [String] = []
        if !keeping.isEmpty {
            parts.append("\(Self.listed(keeping)) must set securityContext.capabilities.drop=[\"ALL\"]")
        }
        if let detail = added(beyond: ["NET_BIND_SERVICE"]) { parts.append(detail) }
        return parts.isEmpty ? nil : "unrestricted capabilities (\(parts.joined(separator: "; ")))"
    }

    fileprivate func restrictedVolumes() -> String? {
        let allowed: Set<String> = [
            "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret",
            "image",
        ]
        var bad: [String] = []
        var types: Set<String> = []
        for volume in spec["volumes"].items {
            let sources = volume.members.map(\.key).filter { $0 != "name" }
            guard !sources.contains(where: allowed.contains) else { continue }
            bad.append(volume["name"].string ?? "")
            types.insert(sources.first ?? "unknown")
        }
        guard !bad.isEmpty else { return nil }
        let head = "\(bad.count == 1 ? "volume" : "volumes") \(Self.quoted(bad)) \(bad.count == 1 ? "uses" : "use")"
        let what = types.count == 1 ? "restricted volume type" : "restricted volume types"
        return "restricted volume types (\(head) \(what) \(Self.quoted(types.sorted())))"
    }

    fileprivate func runAsNonRoot() -> String? {
        func setting(_ context: JSON) -> Bool? { context["runAsNonRoot"].bool }
        let explicit = names { setting($0["securityContext"]) == false }
        if let who = Self.setters(pod: setting(context) == false, explicit) {
            return "runAsNonRoot != true (\(who) must not set securityContext.runAsNonRoot=false)"
        }
        let silent = setting(context) == true ? [] : names { setting($0["securityContext"]) == nil }
        guard !silent.isEmpty else { return nil }
        return "runAsNonRoot != true (pod or \(Self.listed(silent)) must set securityContext.runAsNonRoot=true)"
    }

    fileprivate func runAsUser() -> String? {
        let bad = names { $0["securityContext"]["runAsUser"] == 0 }
        guard let who = Self.setters(pod: context["runAsUser"] == 0, bad) else { return nil }
        return "runAsUser=0 (\(who) must not set runAsUser=0)"
    }

    fileprivate func seccompRestricted() -> String? {
        if let bad = seccomp() { return bad }
        let ofPod = Self.isAllowed(seccomp: context["seccompProfile"])
        let silent = ofPod ? [] : names { $0["securityContext"]["seccompProfile"].isNull }
        guard !silent.isEmpty else { return nil }
        return
            "seccompProfile (pod or \(Self.listed(silent)) must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\")"
    }
}
