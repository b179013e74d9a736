import Shared

/// Turns a container of a pod into what the runtime starts. Pure.
struct ContainerPlan: Sendable {
    let pod: Pod
    let container: Container
    let image: ImageInfo
    let attempt: Int
    let environment: EnvironmentPlan
    let mounts: [ContainerMount]
    let logPath: String
    /// Of the pod; empty with the node's network.
    let address: String
    let hostname: String

    func config() throws(ConfigError) -> ContainerConfig {
        let table = environment.table
        let command = container.command.map { Expansion.expand($0, table) }
        let arguments = container.arguments.map { Expansion.expand($0, table) }
        var config = ContainerConfig(
            name: container.name, attempt: attempt, image: image,
            argv: image.argv(command: command, arguments: arguments),
            environment: image.environment + environment.texts,
            logPath: logPath)
        config.workingDirectory =
            container.workingDirectory.isEmpty ? image.workingDirectory : container.workingDirectory
        config.mounts = mounts
        config.stdin = container.json["stdin"].bool ?? false
        config.tty = container.json["tty"].bool ?? false
        config.terminationMessagePath = container.json["terminationMessagePath"].string ?? "/dev/termination-log"
        config.limits = Self.limits(container)
        config.oomScoreAdjust = Self.oomScore(QualityClass(pod))
        try security(&config)
        if !pod.spec.hostNetwork, !address.isEmpty { config.hosts = hosts }
        return config
    }

    private func security(_ config: inout ContainerConfig) throws(ConfigError) {
        let podContext = pod.spec.json["securityContext"]
        let own = container.json["securityContext"]
        func value(_ key: String) -> JSON { own[key].isNull ? podContext[key] : own[key] }
        func number(_ key: String) throws(ConfigError) -> UInt32? {
            guard let number = value(key).int else { return nil }
            guard let id = UInt32(exactly: number) else { throw ConfigError("\(key) \(number) is no user or group id") }
            return id
        }
        config.user.uid = try number("runAsUser")
        config.user.gid = try number("runAsGroup")
        config.user.mustNotBeRoot = value("runAsNonRoot").bool ?? false
        let groups = podContext["supplementalGroups"].items.compactMap(\.int).compactMap { UInt32(exactly: $0) }
        let volumeGroup = podContext["fsGroup"].int.flatMap { UInt32(exactly: $0) }
        config.user.supplementalGroups = groups + (volumeGroup.map { [$0] } ?? [])
        config.capabilities = CapabilityChange(
            add: Self.capabilities(own["capabilities"]["add"]), drop: Self.capabilities(own["capabilities"]["drop"]))
        config.privileged = own["privileged"].bool ?? false
        config.readOnlyRoot = own["readOnlyRootFilesystem"].bool ?? false
        config.noNewPrivileges = own["allowPrivilegeEscalation"].bool == false
        if value("seccompProfile")["type"].string == "Unconfined" || config.privileged { config.seccomp = .unconfined }
    }

    private static func capabilities(_ list: JSON) -> [String] {
        list.items.compactMap(\.string).map { name in
            let upper = name.uppercased()
            return upper.hasPrefix("CAP_") ? String(upper.dropFirst(4)) : upper
        }
    }

    static func limits(_ container: Container) -> ResourceLimits {
        let limits = container.limits
        let requests = container.requests
        func positive(_ value: Int?) -> Int64? { value.flatMap { $0 > 0 ? Int64($0) : nil } }
        return ResourceLimits(
            cpuMillis: positive(limits["cpu"]?.milli),
            cpuRequestMillis: positive((requests["cpu"] ?? limits["cpu"])?.milli) ?? 2,
            memoryBytes: positive(limits["memory"]?.value))
    }

    /// Source: kubelet `qos.GetContainerOOMScoreAdjust`, without the share of burstable pods.
    private static func oomScore(_ quality: QualityClass) -> Int32 {
        switch quality {
        case .guaranteed: -997
        case .burstable: 500
        case .bestEffort: 1000
        }
    }

    /// `/etc/hosts` of the pod. Source: kubelet `managedHostsFileContent`.
    var hosts: String {
        var text = "# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
        text += "fe00::0\tip6-localnet\nfe00::0\tip6-mcastprefix\nfe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n"
        let subdomain = pod.spec.json["subdomain"].string ?? ""
        let full = subdomain.isEmpty ? "" : "\(hostname).\(subdomain).\(pod.namespace).svc.cluster.local\t"
        text += "\(address)\t\(full)\(hostname)\n"
        let aliases = pod.spec.json["hostAliases"].items
        if !aliases.isEmpty {
            text += "\n# Entries added by HostAliases.\n"
            for alias in aliases {
                let names = alias["hostnames"].items.compactMap(\.string)
                text += ([alias["ip"].string ?? ""] + names).joined(separator: "\t") + "\n"
            }
        }
        return text
    }

    /// `spec.hostname`, else the pod's name, at most 63 bytes. Source: kubelet `GeneratePodHostNameAndDomain`.
    static func hostname(_ pod: Pod) -> String {
        let wanted = pod.spec.json["hostname"].string ?? ""
        var name = String((wanted.isEmpty ? pod.name : wanted).prefix(63))
        while let last = name.last, last == "-" || last == "." { name.removeLast() }
        return name
    }
}
