import Shared

/// What the cluster's domain contains, and the answers from it. Pure. Source: Kubernetes DNS-Based Service Discovery 1.1.0.
struct Zone: Sendable {
    enum Answer: Hashable, Sendable {
        /// The name is ours. No records and `success` means: there is the name, but nothing of that kind.
        case records(DNSMessage.Code, answers: [DNSMessage.Record], additionals: [DNSMessage.Record] = [])
        /// The name stands for another, outside; the asker wants that one's records too.
        case alias(DNSMessage.Record, target: DNSName)
        /// Not ours: ask the resolvers of the machine.
        case elsewhere
    }
    /// Seconds that a client may keep an answer: short, since pods move.
    static let seconds: UInt32 = 5

    let domain: DNSName
    /// Addresses out of these blocks are ours, also when nobody has them.
    private let networks: [IPv4Network]
    private(set) var services: [ServiceName: ServiceEntry] = [:]
    private var namespaces: [String: Int] = [:]
    private var owners: [IPv4Address: Set<ServiceName>] = [:]

    init(domain: String = "cluster.local", networks: [IPv4Network]) {
        self.domain = DNSName(domain) ?? DNSName(labels: [])
        self.networks = networks
    }

    /// Replaces one service; nil removes it.
    mutating func set(_ name: ServiceName, _ entry: ServiceEntry?) {
        if let old = services.removeValue(forKey: name) {
            namespaces[name.namespace, default: 1] -= 1
            if namespaces[name.namespace] == 0 { namespaces[name.namespace] = nil }
            for address in Zone.reversed(old) {
                owners[address]?.remove(name)
                if owners[address]?.isEmpty ?? false { owners[address] = nil }
            }
        }
        guard let entry else { return }
        services[name] = entry
        namespaces[name.namespace, default: 0] += 1
        for address in Zone.reversed(entry) { owners[address, default: []].insert(name) }
    }

    mutating func replace(with table: ServiceTable) {
        for name in services.keys where table[name] == nil { set(name, nil) }
        for (name, entry) in table.entries where services[name] != entry { set(name, entry) }
    }

    /// - Parameter turn: grows with every question, so that the addresses of headless services take turns.
    func answer(_ question: DNSMessage.Question, turn: Int = 0) -> Answer {
        guard question.group == 1 || question.group == 255 else { return .elsewhere }
        if let inside = question.name.labels(before: domain) { return answer(inside, question, turn) }
        if let address = Zone.reverseAddress(question.name) { return pointers(to: address, question) }
        return .elsewhere
    }

    /// The record that says for how long a missing name may be remembered as missing.
    var authority: DNSMessage.Record {
        let server = DNSName(labels: [Array("ns".utf8), Array("dns".utf8)] + domain.labels)
        let contact = DNSName(labels: [Array("hostmaster".utf8)] + domain.labels)
        return DNSMessage.Record(
            name: domain, seconds: Zone.seconds,
            content: .authority(server: server, contact: contact, serial: 1, negativeSeconds: Zone.seconds))
    }

    private func answer(_ labels: [String], _ question: DNSMessage.Question, _ turn: Int) -> Answer {
        switch labels.count {
        case 0:
            return question.kind == DNSMessage.Kind.authority ? .records(.success, answers: [authority]) : .empty
        case 1 where labels[0] == "dns-version":
            return only(question, DNSMessage.Kind.text, [.text("1.1.0")])
        case 1: return labels[0] == "svc" || labels[0] == "pod" ? .empty : .missing
        case 2 where labels[1] == "svc" || labels[1] == "pod":
            return namespaces[labels[0]] != nil ? .empty : .missing
        case 3 where labels[2] == "pod":
            guard let address = IPv4Address(labels[0].replacing("-", with: ".")) else { return .missing }
            return only(question, DNSMessage.Kind.address, [.address(address)])
        case 3...5 where labels[labels.count - 1] == "svc":
            let name = ServiceName(namespace: labels[labels.count - 2], name: labels[labels.count - 3])
            guard let service = services[name] else { return .missing }
            return answer(Array(labels.dropLast(3)), of: service, question, turn)
        default: return .missing
        }
    }

    /// - Parameter front: the labels in front of the service's own name.
    private func answer(
        _ front: [String], of service: ServiceEntry, _ question: DNSMessage.Question, _ turn: Int
    ) -> Answer {
        if !service.externalName.isEmpty {
            guard front.isEmpty, let target = DNSName(service.externalName) else { return .missing }
            return .alias(record(question.name, .alias(target)), target: target)
        }
        let endpoints = service.isHeadless ? service.published : []
        if front.isEmpty {
            if question.kind == DNSMessage.Kind.service { return ports(service, question) { _ in true } }
            let addresses = service.isHeadless ? Zone.turned(Zone.unique(endpoints), by: turn) : service.clusterIPs
            return only(question, DNSMessage.Kind.address, addresses.map { .address($0) })
        }
        if front.count == 2, front[0].hasPrefix("_"), front[1].hasPrefix("_") {
            return ports(service, question) { port in
                "_\(port.name.lowercased())" == front[0] && "_\(port.transport.label)" == front[1]
            }
        }
        guard front.count == 1 else { return .missing }
        let found = endpoints.filter { Zone.label($0) == front[0] }
        return found.isEmpty
            ? .missing : only(question, DNSMessage.Kind.address, Zone.unique(found).map { .address($0) })
    }

    /// SRV records of the ports that `matches` names, with the addresses of their targets.
    private func ports(
        _ service: ServiceEntry, _ question: DNSMessage.Question, _ matches: (ServiceEntry.Port) -> Bool
    ) -> Answer {
        var answers: [DNSMessage.Record] = [], additionals: [DNSMessage.Record] = []
        let name = fullName(of: service.name)
        var isKnown = false
        func add(_ port: UInt16, _ target: DNSName, _ addresses: [IPv4Address]) {
            let content = DNSMessage.Record.Content.service(priority: 0, weight: 100, port: port, target: target)
            if !answers.contains(where: { $0.content == content }) {
                answers.append(record(question.name, content))
                additionals += addresses.map { record(target, .address($0)) }
            }
        }
        if service.isHeadless {
            for group in service.groups {
                for port in group.ports
                where matches(.init(name: port.name, transport: port.transport, port: port.number)) {
                    isKnown = true
                    for endpoint in group.endpoints where service.publishesNotReady || endpoint.isReady {
                        let target = DNSName(labels: [Array(Zone.label(endpoint).utf8)] + name.labels)
                        add(port.number, target, [endpoint.address])
                    }
                }
            }
        } else {
            for port in service.ports where matches(port) {
                isKnown = true
                add(port.port, name, service.clusterIPs)
            }
        }
        let asksForOthers = question.kind != DNSMessage.Kind.service && question.kind != DNSMessage.Kind.any
        if asksForOthers || answers.isEmpty {
            return isKnown || service.ports.contains(where: matches) ? .empty : .missing
        }
        return .records(.success, answers: answers, additionals: additionals)
    }

    private func pointers(to address: IPv4Address, _ question: DNSMessage.Question) -> Answer {
        var names: [DNSName] = []
        for owner in (owners[address] ?? []).sorted() {
            guard let service = services[owner] else { continue }
            let name = fullName(of: owner)
            if service.clusterIPs.contains(address) { names.append(name) }
            for endpoint in service.published where service.isHeadless && endpoint.address == address {
                let full = DNSName(labels: [Array(Zone.label(endpoint).utf8)] + name.labels)
                if !names.contains(full) { names.append(full) }
            }
        }
        if !names.isEmpty { return only(question, DNSMessage.Kind.pointer, names.map { .pointer($0) }) }
        return networks.contains { $0.contains(address) } ? .missing : .elsewhere
    }

    private func fullName(of service: ServiceName) -> DNSName {
        DNSName(labels: [service.name, service.namespace, "svc"].map { Array($0.utf8) } + domain.labels)
    }
    private func record(_ name: DNSName, _ content: DNSMessage.Record.Content) -> DNSMessage.Record {
        DNSMessage.Record(name: name, seconds: Zone.seconds, content: content)
    }
    private func only(
        _ question: DNSMessage.Question, _ kind: UInt16, _ contents: [DNSMessage.Record.Content]
    ) -> Answer {
        guard question.kind == kind || question.kind == DNSMessage.Kind.any else { return .empty }
        return .records(.success, answers: contents.map { record(question.name, $0) })
    }

    /// The label of an endpoint below its service: its hostname, else its address with dashes.
    private static func label(_ endpoint: Endpoint) -> String {
        endpoint.hostname.isEmpty
            ? endpoint.address.description.replacing(".", with: "-") : endpoint.hostname.lowercased()
    }
    private static func unique(_ endpoints: [Endpoint]) -> [IPv4Address] {
        var seen: Set<IPv4Address> = []
        return endpoints.map(\.address).filter { seen.insert($0).inserted }
    }
    private static func turned(_ addresses: [IPv4Address], by turn: Int) -> [IPv4Address] {
        guard addresses.count > 1 else { return addresses }
        let start = Int(UInt(bitPattern: turn) % UInt(addresses.count))
        return Array(addresses[start...] + addresses[..<start])
    }
    private static func reversed(_ entry: ServiceEntry) -> Set<IPv4Address> {
        Set(entry.clusterIPs + (entry.isHeadless ? entry.published.map(\.address) : []))
    }
    /// The address that `4.3.2.1.in-addr.arpa` asks about.
    private static func reverseAddress(_ name: DNSName) -> IPv4Address? {
        guard let labels = name.labels(before: DNSName(labels: [Array("in-addr".utf8), Array("arpa".utf8)])),
            labels.count == 4
        else { return nil }
        return IPv4Address(labels.reversed().joined(separator: "."))
    }
}

extension Zone.Answer {
    /// There is the name, but nothing of that kind.
    static let empty = Zone.Answer.records(.success, answers: [])
    static let missing = Zone.Answer.records(.nameError, answers: [])
}

extension ServiceEntry {
    /// The endpoints that DNS names.
    var published: [Endpoint] { groups.flatMap(\.endpoints).filter { publishesNotReady || $0.isReady } }
}

extension String {
    /// The text with every occurrence of a character replaced; the standard library has this with Foundation only.
    fileprivate func replacing(_ old: Character, with new: Character) -> String {
        String(map { $0 == old ? new : $0 })
    }
}
