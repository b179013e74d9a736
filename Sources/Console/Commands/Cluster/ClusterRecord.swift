import Shared

/// What a local cluster is made of, kept in `STATE/cluster.json`, so that every `up` brings back the same one.
struct ClusterRecord: Equatable, Sendable {
    enum Runtime: String, Sendable {
        /// Each node is a network namespace of its own, pods are containers. Needs root.
        case linux
        /// Nodes and pods are plain processes that share the machine's network.
        case process
    }
    struct Machine: Equatable, Sendable {
        let name: String
        let address: IPv4Address
        /// Its place in the list of machines, from 1; it names the link.
        var number: Int
    }

    var state: String
    var runtime: Runtime
    /// Where the machines' addresses come from.
    var network: IPv4Network
    var services: IPv4Network
    var pods: IPv4Network
    /// Where the master listens.
    var port: Int
    var machines: [Machine]
    /// Settings of the kernel to put back at the end: file and former value.
    var formerSettings: [String: String] = [:]

    /// Where the agents reach the master.
    var masterAddress: IPv4Address {
        runtime == .process ? .loopback : network.address(at: 1) ?? network.first
    }
    var kubeconfig: String { state + "/admin.kubeconfig" }
    func folder(of machine: Machine) -> String { "\(state)/nodes/\(machine.name)" }
    func machine(_ name: String) -> Machine? { machines.first { $0.name == name } }

    /// Adds machines `node-N` until there are `count`, or drops the last ones.
    mutating func resize(to count: Int) {
        machines = Array(machines.prefix(count))
        for number in machines.count + 1..<max(machines.count + 1, count + 1) {
            guard let address = network.address(at: 10 + number) else { return }
            machines.append(Machine(name: "node-\(number)", address: address, number: number))
        }
    }
}

extension ClusterRecord {
    var json: JSON {
        [
            "state": .string(state), "runtime": .string(runtime.rawValue), "network": .string(network.description),
            "services": .string(services.description), "pods": .string(pods.description), "port": JSON(port),
            "nodes": .array(machines.map { ["name": .string($0.name), "address": .string($0.address.description)] }),
            "formerSettings": JSON(formerSettings),
        ]
    }

    /// Nil when the document is not a record.
    init?(_ json: JSON) {
        guard let state = json["state"].string, let runtime = json["runtime"].string.flatMap(Runtime.init),
            let network = json["network"].string.flatMap({ IPv4Network($0) }),
            let services = json["services"].string.flatMap({ IPv4Network($0) }),
            let pods = json["pods"].string.flatMap({ IPv4Network($0) }), let port = json["port"].int
        else { return nil }
        self.init(
            state: state, runtime: runtime, network: network, services: services, pods: pods, port: port, machines: [])
        for (index, item) in json["nodes"].items.enumerated() {
            guard let name = item["name"].string, let address = item["address"].string.flatMap({ IPv4Address($0) })
            else { return nil }
            machines.append(Machine(name: name, address: address, number: index + 1))
        }
        formerSettings = json["formerSettings"].strings
    }

    /// The record of a state folder; nil when there is none.
    static func read(_ path: String) -> ClusterRecord? {
        guard let text = SystemFiles.text(path), let json = try? JSON(parsing: text) else { return nil }
        return ClusterRecord(json)
    }
}
