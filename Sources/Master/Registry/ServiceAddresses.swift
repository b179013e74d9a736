import Shared
import Synchronization

/// The cluster addresses and node ports that services hold, and the free ones to give out.
///
/// Reserved before a service is written, so that two services never get the same; given back when the write fails or
/// the service is deleted. A class: one ledger that all requests share.
final class ServiceAddresses: Sendable {
    static let resource = GroupResource("services")

    private struct Ledger {
        /// Address → uid of its service.
        var addresses: [String: String] = [:]
        var ports: [Int: String] = [:]
        var nextHost = 10
        var nextPort = 0
    }
    private let ledger = Mutex(Ledger())
    private let range: IPv4Network
    /// Node ports to give out. Source: `--service-node-port-range`.
    private let ports = 30_000...32_767

    init(range: IPv4Network) { self.range = range }

    /// Takes note of a service that is stored already.
    func observe(_ service: JSON) {
        let uid = Object(service).metadata.uid
        ledger.withLock { ledger in
            for address in Self.heldAddresses(service) { ledger.addresses[address] = uid }
            for port in Self.heldPorts(service) { ledger.ports[port] = uid }
        }
    }

    /// Gives a new service its address and ports, or takes those that it asks for.
    func reserve(for service: inout JSON) throws(Status) {
        let uid = Object(service).metadata.uid
        do throws(Status) {
            try fill(&service, uid)
        } catch {
            release(uid)
            throw error
        }
    }

    /// Lets an updated service keep what it has, and gives it what its new type needs.
    func keep(_ service: inout JSON, old: JSON) throws(Status) {
        let type = ClusterService(service).type
        if type == "ExternalName" {
            for key in ["clusterIP", "clusterIPs"] { service["spec"].remove(key) }
        } else if ClusterService(service).clusterIP.isEmpty, ClusterService(old).type != "ExternalName" {
            for key in ["clusterIP", "clusterIPs"] where !old["spec"][key].isNull {
                service["spec"][key] = old["spec"][key]
            }
        }
        if type == "NodePort" || type == "LoadBalancer" {
            let held = old["spec"]["ports"].items
            service["spec"]["ports"] = .array(
                service["spec"]["ports"].items.map { port in
                    guard port["nodePort"].int ?? 0 == 0 else { return port }
                    var port = port
                    let same = held.first {
                        $0["port"] == port["port"]
                            && ($0["protocol"].string ?? "TCP") == (port["protocol"].string ?? "TCP")
                    }
                    if let number = same?["nodePort"], !number.isNull { port["nodePort"] = number }
                    return port
                })
        }
        try fill(&service, Object(old).metadata.uid)
    }

    func release(_ uid: String) {
        ledger.withLock { ledger in
            ledger.addresses = ledger.addresses.filter { $0.value != uid }
            ledger.ports = ledger.ports.filter { $0.value != uid }
        }
    }

    private func fill(_ service: inout JSON, _ uid: String) throws(Status) {
        let view = ClusterService(service)
        guard view.type != "ExternalName" else { return }
        var spec = service["spec"]
        if view.clusterIP.isEmpty {
            spec["clusterIP"] = .string(try freeAddress(uid))
        } else if !view.isHeadless {
            try take(view.clusterIP, uid, Object(service).name)
        }
        if spec["clusterIPs"].items.isEmpty { spec["clusterIPs"] = [spec["clusterIP"]] }
        if view.type == "NodePort" || view.type == "LoadBalancer" { try fillPorts(&spec, uid, Object(service).name) }
        service["spec"] = spec
    }

    private func fillPorts(_ spec: inout JSON, _ uid: String, _ name: String) throws(Status) {
        var ports = spec["ports"].items
        for index in ports.indices {
            if let wanted = ports[index]["nodePort"].int, wanted != 0 {
                try take(
                    port: wanted, uid, name, index,
                    sharing: ports.prefix(index).contains { $0["nodePort"].int == wanted })
            } else {
                ports[index]["nodePort"] = JSON(try freePort(uid))
            }
        }
        spec["ports"] = .array(ports)
    }

    private func freeAddress(_ uid: String) throws(Status) -> String {
        let found = ledger.withLock { ledger -> String? in
            let usable = max(1, range.count - 2)
            for _ in 0..<usable {
                // The first address of the range is the network's own, the next one that of service `kubernetes`.
                let address = range.address(at: 1 + ledger.nextHost % usable)?.description ?? ""
                ledger.nextHost = (ledger.nextHost + 1) % usable
                if ledger.addresses[address] == nil {
                    ledger.addresses[address] = uid
                    return address
                }
            }
            return nil
        }
        guard let found else {
            throw Status(
                .internalError,
                "failed to allocate a serviceIP: range is full; start kmaster with a larger --service-cidr")
        }
        return found
    }

    private func take(_ address: String, _ uid: String, _ name: String) throws(Status) {
        guard let number = IPv4Address(address), range.contains(number) else {
            throw Self.invalid(
                name, "spec.clusterIPs", "[\"\(address)\"]",
                "failed to allocate IP \(address): the provided IP (\(address)) is not in the valid range. The range of valid IPs is \(range)"
            )
        }
        let holder = ledger.withLock { ledger in
            let holder = ledger.addresses[address]
            if holder == nil { ledger.addresses[address] = uid }
            return holder
        }
        if let holder, holder != uid {
            throw Self.invalid(
                name, "spec.clusterIPs", "[\"\(address)\"]",
                "failed to allocate IP \(address): provided IP is already allocated")
        }
    }

    private func freePort(_ uid: String) throws(Status) -> Int {
        let found = ledger.withLock { ledger -> Int? in
            for _ in ports {
                // A stride that has no factor in common with the range visits every port, in a scattered order.
                ledger.nextPort = (ledger.nextPort + 1_019) % ports.count
                let port = ports.lowerBound + ledger.nextPort
                if ledger.ports[port] == nil {
                    ledger.ports[port] = uid
                    return port
                }
            }
            return nil
        }
        guard let found else {
            throw Status(
                .internalError, "failed to allocate a nodePort: range is full; delete a service of type NodePort")
        }
        return found
    }

    private func take(port: Int, _ uid: String, _ name: String, _ index: Int, sharing: Bool) throws(Status) {
        let field = "spec.ports[\(index)].nodePort"
        guard ports.contains(port) else {
            throw Self.invalid(
                name, field, String(port),
                "provided port is not in the valid range. The range of valid ports is \(ports.lowerBound)-\(ports.upperBound)"
            )
        }
        let holder = ledger.withLock { ledger in
            let holder = ledger.ports[port]
            if holder == nil { ledger.ports[port] = uid }
            return holder
        }
        if let holder, holder != uid, !sharing {
            throw Self.invalid(name, field, String(port), "provided port is already allocated")
        }
    }

    private static func invalid(_ name: String, _ field: String, _ value: String, _ why: String) -> Status {
        var status = Status(.invalid, "Service \"\(name)\" is invalid: \(field): Invalid value: \(value): \(why)")
        status.name = name
        status.kind = "Service"
        status.causes = [
            Status.Cause(reason: "FieldValueInvalid", message: "Invalid value: \(value): \(why)", field: field)
        ]
        return status
    }

    private static func heldAddresses(_ service: JSON) -> [String] {
        let spec = service["spec"]
        return ([spec["clusterIP"]] + spec["clusterIPs"].items).compactMap(\.string).filter {
            !$0.isEmpty && $0 != "None"
        }
    }
    private static func heldPorts(_ service: JSON) -> [Int] {
        service["spec"]["ports"].items.compactMap { $0["nodePort"].int }.filter { $0 != 0 }
    }
}
