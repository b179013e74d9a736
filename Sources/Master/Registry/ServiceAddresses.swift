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
            for key in ["ipFamilies", "ipFamilyPolicy"] where service["spec"][key] == old["spec"][key] {
                service["spec"].remove(key)
            }
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
        let had = ClusterService(old).clusterIP
        if type != "ExternalName", ClusterService(old).type != "ExternalName", !had.isEmpty,
            had != ClusterService(service).clusterIP
        {
            // Validation refuses it, and nothing has to be given back.
            return
        }
        let needsCheck = Self.needsHealthCheck(service)
        if needsCheck, service["spec"]["healthCheckNodePort"].int ?? 0 == 0, Self.needsHealthCheck(old) {
            service["spec"].set("healthCheckNodePort", old["spec"].object?["healthCheckNodePort"])
        }
        if !needsCheck, service["spec"]["healthCheckNodePort"] == old["spec"]["healthCheckNodePort"] {
            service["spec"].remove("healthCheckNodePort")
        }
        let before = service
        do throws(Status) {
            try fill(&service, Object(old).metadata.uid)
        } catch {
            release(before, except: old)
            throw error
        }
    }

    /// Gives back what `service` holds and `other`, another state of the same service, does not.
    func release(_ service: JSON, except other: JSON) {
        let uid = Object(other).metadata.uid
        let kept = (Set(Self.heldAddresses(other)), Set(Self.heldPorts(other)))
        ledger.withLock { ledger in
            for address in Self.heldAddresses(service) where !kept.0.contains(address) {
                if ledger.addresses[address] == uid { ledger.addresses[address] = nil }
            }
            for port in Self.heldPorts(service) where !kept.1.contains(port) {
                if ledger.ports[port] == uid { ledger.ports[port] = nil }
            }
        }
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
        let name = Object(service).name
        var spec = service["spec"]
        if view.clusterIP.isEmpty {
            spec["clusterIP"] = .string(try freeAddress(uid))
        } else if !view.isHeadless {
            try take(view.clusterIP, uid, name)
        }
        if spec["clusterIPs"].items.isEmpty { spec["clusterIPs"] = [spec["clusterIP"]] }
        // A headless service without a selector may have addresses of both families, whatever the cluster has.
        let isFree = view.isHeadless && view.selector.isEmpty
        if !isFree {
            if spec["ipFamilyPolicy"] == "RequireDualStack" {
                throw Self.invalid(
                    name, "spec.ipFamilyPolicy", "\"RequireDualStack\"",
                    "this cluster is not configured for dual-stack services")
            }
            for (index, family) in spec["ipFamilies"].items.enumerated() where family != "IPv4" {
                throw Self.invalid(
                    name, "spec.ipFamilies[\(index)]", family.text, "not configured on this cluster")
            }
        }
        spec.fill("ipFamilyPolicy", isFree ? "RequireDualStack" : "SingleStack")
        if spec["ipFamilies"].items.isEmpty {
            spec["ipFamilies"] = isFree && spec["ipFamilyPolicy"] != "SingleStack" ? ["IPv4", "IPv6"] : ["IPv4"]
        }
        if view.type == "NodePort"
            || view.type == "LoadBalancer" && spec["allocateLoadBalancerNodePorts"] != false
        {
            try fillPorts(&spec, uid, name)
        }
        if Self.needsHealthCheck(service) {
            if let wanted = spec["healthCheckNodePort"].int, wanted != 0 {
                try take(port: wanted, uid, name, "spec.healthCheckNodePort", sharing: false)
            } else {
                spec["healthCheckNodePort"] = JSON(try freePort(uid))
            }
        }
        service["spec"] = spec
    }

    /// A load balancer that asks each node whether it has a pod needs a port to ask at.
    private static func needsHealthCheck(_ service: JSON) -> Bool {
        ClusterService(service).type == "LoadBalancer" && service["spec"]["externalTrafficPolicy"] == "Local"
    }

    private func fillPorts(_ spec: inout JSON, _ uid: String, _ name: String) throws(Status) {
        var ports = spec["ports"].items
        for index in ports.indices {
            if let wanted = ports[index]["nodePort"].int, wanted != 0 {
                try take(
                    port: wanted, uid, name, "spec.ports[\(index)].nodePort",
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
                name, "spec.clusterIPs", "[]string{\"\(address)\"}",
                "failed to allocated ip:\(address) with error:provided IP is not in the valid range. The range of valid IPs is \(range)"
            )
        }
        let holder = ledger.withLock { ledger in
            let holder = ledger.addresses[address]
            if holder == nil { ledger.addresses[address] = uid }
            return holder
        }
        if let holder, holder != uid {
            throw Self.invalid(
                name, "spec.clusterIPs", "[]string{\"\(address)\"}",
                "failed to allocated ip:\(address) with error:provided IP is already allocated")
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

    private func take(port: Int, _ uid: String, _ name: String, _ field: String, sharing: Bool) throws(Status) {
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
        let error = FieldError(reason: .invalid, field: field, value: value, detail: why)
        return FieldError.status([error], group: "", kind: "Service", name: name)
    }

    private static func heldAddresses(_ service: JSON) -> [String] {
        let spec = service["spec"]
        return ([spec["clusterIP"]] + spec["clusterIPs"].items).compactMap(\.string).filter {
            !$0.isEmpty && $0 != "None"
        }
    }
    private static func heldPorts(_ service: JSON) -> [Int] {
        (service["spec"]["ports"].items.map { $0["nodePort"] } + [service["spec"]["healthCheckNodePort"]])
            .compactMap(\.int).filter { $0 != 0 }
    }
}
