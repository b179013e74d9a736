import Shared

/// The variables by which a container learns the services of its namespace. Pure.
/// Source: kubelet `envvars.FromServices`.
enum ServiceEnvironment {
    /// Services with an address in `namespace`, and `default/kubernetes` for every pod; sorted by name.
    /// - Parameter offered: the port under which a port is reached (see `ProxyPlan.offered`).
    static func variables(
        namespace: String, services: some Sequence<ServiceEntry>, offered: (UInt16) -> UInt16 = { $0 }
    ) -> [(name: String, value: String)] {
        let own = services.filter { $0.name.namespace == namespace }
        let names = Set(own.map(\.name.name))
        let master = services.filter {
            $0.name == ServiceName(namespace: "default", name: "kubernetes") && !names.contains("kubernetes")
        }
        return (own + master).sorted { $0.name < $1.name }.flatMap { variables(of: $0, offered) }
    }

    private static func variables(
        of service: ServiceEntry, _ offered: (UInt16) -> UInt16
    ) -> [(name: String, value: String)] {
        guard let address = service.clusterIPs.first, let first = service.ports.first else { return [] }
        let name = variableName(service.name.name)
        var result = [
            (name: "\(name)_SERVICE_HOST", value: "\(address)"),
            (name: "\(name)_SERVICE_PORT", value: "\(offered(first.port))"),
        ]
        for port in service.ports where !port.name.isEmpty {
            result.append(("\(name)_SERVICE_PORT_\(variableName(port.name))", "\(offered(port.port))"))
        }
        for (index, port) in service.ports.enumerated() {
            let number = offered(port.port)
            let url = "\(port.transport.label)://\(address):\(number)"
            let prefix = "\(name)_PORT_\(port.port)_\(port.transport.rawValue)"
            if index == 0 { result.append(("\(name)_PORT", url)) }
            result += [
                (prefix, url), ("\(prefix)_PROTO", port.transport.label), ("\(prefix)_PORT", "\(number)"),
                ("\(prefix)_ADDR", "\(address)"),
            ]
        }
        return result
    }

    private static func variableName(_ name: String) -> String {
        String(name.uppercased().map { $0 == "-" ? "_" : $0 })
    }
}
