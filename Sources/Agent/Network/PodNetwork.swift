import Glibc
import Shared

/// What a node has to know about its place before it can connect pods.
struct NodeNetwork: Hashable, Sendable {
    let name: String
    /// The address under which other nodes reach this one (`status.addresses`, InternalIP).
    let address: IPv4Address
    /// `spec.podCIDR` of this node: its pods' addresses come out of it.
    let podCIDR: IPv4Network
    /// The pods of all nodes; traffic inside it keeps its source address.
    let clusterCIDR: IPv4Network
    /// The addresses of services.
    let serviceCIDR: IPv4Network
}

/// Another node as the routes need it.
struct PeerNode: Hashable, Sendable {
    let name: String
    let address: IPv4Address
    let podCIDR: IPv4Network
}

/// A pod that wants an address.
struct PodAttachment: Hashable, Sendable {
    let uid: String
    let namespace: String
    let name: String
    /// The address that the pod must have, because it runs with it already; nil takes a free one.
    var address: IPv4Address?
    /// Ports of the node that lead to the pod (`hostPort`).
    var hostPorts: [HostPort] = []

    struct HostPort: Hashable, Sendable {
        let transport: PortProtocol
        let port: UInt16
        let containerPort: UInt16
        /// Only this address of the node; nil is every one.
        var address: IPv4Address?
    }
}

/// Where the pod's network stack is. The holder is the pod's shim, which waits until `attach` returned.
enum PodNamespace: Sendable {
    /// The network namespace of a process, `/proc/PID/ns/net`.
    case process(pid_t)
    /// An open descriptor of a network namespace; stays the caller's.
    case descriptor(Int32)
    /// The pod shares the node's stack (runtime `process`).
    case node
}

/// What a pod has to be told about its network.
struct PodAddress: Hashable, Sendable {
    /// `status.podIP` and `POD_IP`.
    let address: IPv4Address
    /// Nil when the pod shares the node's stack.
    let gateway: IPv4Address?
    /// The name server for its `resolv.conf`; nil when names come as environment variables only.
    let nameServer: IPv4Address?
}

/// The network of one node: addresses for pods, routes to the other nodes, service addresses.
///
/// `setUp` comes first, once per start of the agent; after it the calls may come in any order and from any task.
/// Every call describes the wished state and may be repeated. Two implementations: `LinuxPodNetwork` (network
/// namespaces, nf_tables) and `ProcessPodNetwork` (addresses of 127.0.0.0/8, user-space proxy).
protocol PodNetwork: Sendable {
    /// Makes the node ready and takes over what runs: `running` are the pods that outlived the last agent, with the
    /// addresses they have. Removes interfaces of pods that are gone.
    /// - Returns: sentences for the user about what this machine lacks; empty when all is well.
    func setUp(_ node: NodeNetwork, running: [PodAttachment]) async throws -> [String]

    /// Gives the pod an address and connects its namespace. A pod that is attached already keeps its address.
    func attach(_ pod: PodAttachment, to namespace: PodNamespace) async throws -> PodAddress

    /// Takes the address back; it is given away again as late as possible. An unknown uid is no error.
    func detach(uid: String) async throws

    /// The other nodes of the cluster, all of them; routes to missing ones are removed.
    func apply(peers: [PeerNode]) async throws

    /// All services at once: at start, and after a relist.
    func apply(services: ServiceTable) async throws

    /// Services that changed since; a nil entry means that the service is gone. One transaction.
    func update(services: [ServiceName: ServiceEntry?]) async throws

    /// Runs what the network needs beside the calls (the user-space proxy); ends when cancelled.
    func run() async throws

    /// Removes everything that `setUp` and the other calls made on this node.
    func tearDown() async throws
}
