import Shared

/// Chooses blocks of addresses that this machine does not use. Pure.
enum AddressPlan {
    /// The first block that shares no address with what is routed.
    static func free(_ candidates: [IPv4Network], avoiding routes: [IPv4Network]) -> IPv4Network? {
        candidates.first { candidate in !routes.contains { $0.prefix > 0 && $0.overlaps(candidate) } }
    }

    /// Blocks for machines: high numbers, which home and company networks use rarely.
    static let machineBlocks: [IPv4Network] =
        (0..<32).map { IPv4Network(IPv4Address(10, 213, UInt8($0), 0), prefix: 24) }
        + (0..<32).map { IPv4Network(IPv4Address(172, 29, UInt8(200 + $0), 0), prefix: 24) }
        + (0..<32).map { IPv4Network(IPv4Address(192, 168, UInt8(200 + $0), 0), prefix: 24) }
    /// Kubernetes' usual blocks first.
    static let serviceBlocks: [IPv4Network] =
        [96, 196, 180, 164].map { IPv4Network(IPv4Address(10, $0, 0, 0), prefix: 16) }
        + [(22), (26)].map { IPv4Network(IPv4Address(172, $0, 0, 0), prefix: 16) }
    static let podBlocks: [IPv4Network] =
        [244, 246, 204, 188].map { IPv4Network(IPv4Address(10, $0, 0, 0), prefix: 16) }
        + [(23), (27)].map { IPv4Network(IPv4Address(172, $0, 0, 0), prefix: 16) }

    /// A new cluster on a machine with these routes.
    /// - Throws: a sentence that names what is in the way.
    static func record(
        state: String, runtime: ClusterRecord.Runtime, routes: [IPv4Network], port: Int
    ) throws(Failure) -> ClusterRecord {
        if runtime == .process {
            return ClusterRecord(
                state: state, runtime: .process, network: IPv4Network(IPv4Address(127, 100, 0, 0), prefix: 24),
                services: IPv4Network(IPv4Address(127, 96, 0, 0), prefix: 16),
                pods: IPv4Network(IPv4Address(127, 112, 0, 0), prefix: 16), port: port, machines: [])
        }
        guard let network = free(machineBlocks, avoiding: routes), let services = free(serviceBlocks, avoiding: routes),
            let pods = free(podBlocks, avoiding: routes)
        else {
            let list = routes.filter { $0.prefix > 0 }.map(\.description).joined(separator: ", ")
            throw Failure(
                "This machine already routes every block of addresses that a cluster could use (\(list)); "
                    + "disconnect a VPN or use --runtime process.")
        }
        return ClusterRecord(
            state: state, runtime: .linux, network: network, services: services, pods: pods, port: port, machines: [])
    }
}

extension ClusterRecord {
    /// What kmaster is started with.
    var masterArguments: [String] {
        var words = ["--state", state, "--listen", "127.0.0.1:\(port)"]
        if runtime == .linux {
            words += ["--listen", "\(masterAddress):\(port)", "--advertise", masterAddress.description]
        }
        return words + ["--node-cidr", "\(network)", "--service-cidr", "\(services)", "--pod-cidr", "\(pods)"]
    }

    /// What the agent of a machine is started with.
    func agentArguments(_ machine: Machine) -> [String] {
        [
            "--server", "https://\(masterAddress):\(port)", "--token-file", "\(state)/join-token", "--ca-file",
            "\(state)/pki/ca.crt", "--name", machine.name, "--state", folder(of: machine), "--address",
            machine.address.description, "--runtime", runtime.rawValue,
        ]
    }
}
