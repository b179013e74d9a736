import Shared

/// The `subsets` of an Endpoints object: addresses grouped so that each group offers the same ports.
/// Source: `RepackSubsets`, `truncateEndpoints` of the endpoints controller.
struct EndpointSubsets: Equatable {
    let json: [JSON]
    /// True when addresses were left out at the limit.
    let isTruncated: Bool

    private struct Place: Hashable {
        let address: JSON
        let isReady: Bool
    }

    /// - Parameter limit: the most addresses over all groups.
    init(_ targets: [ServiceTarget], limit: Int = Limits.endpointsAddressesMax) {
        var byPort: [JSON?: [Place]] = [:]
        for target in targets.sorted(by: { $0.address < $1.address }) {
            let place = Place(address: target.addressJSON, isReady: target.endpoint.isReady)
            for port in target.ports { byPort[EndpointSubsets.port(port), default: []].append(place) }
            if target.ports.isEmpty { byPort[nil, default: []].append(place) }
        }
        var groups: [[Place]: [JSON]] = [:]
        for (port, places) in byPort {
            if let port { groups[places, default: []].append(port) } else { groups[places, default: []] += [] }
        }
        var subsets = groups.map { EndpointSubsets.subset($0.key, $0.value) }.sorted { $0.text < $1.text }
        isTruncated = EndpointSubsets.truncate(&subsets, limit)
        json = subsets
    }

    /// Leaves out what is too much: first addresses that are not ready, from each group by its share.
    /// - Returns: whether something was left out.
    private static func truncate(_ subsets: inout [JSON], _ limit: Int) -> Bool {
        let (ready, others) = ("addresses", "notReadyAddresses")
        func count(_ list: String) -> Int { subsets.reduce(0) { $0 + $1[list].items.count } }
        let (allReady, allOthers) = (count(ready), count(others))
        guard allReady + allOthers > limit else { return false }
        let cutsReady = allReady > limit
        let list = cutsReady ? ready : others
        let room = cutsReady ? limit : limit - allReady
        let all = cutsReady ? allReady : allOthers
        var left = room
        for index in subsets.indices {
            let items = subsets[index][list].items
            let share = (Double(items.count) / Double(max(1, all)) * Double(room)).rounded(.up)
            let kept = items.prefix(min(Int(share), left))
            left -= kept.count
            subsets[index].set(list, kept.isEmpty ? nil : .array(Array(kept)))
            if cutsReady { subsets[index].remove(others) }
        }
        return true
    }

    private static func port(_ port: JSON) -> JSON {
        var json: JSON = [:]
        if let name = port["name"].string, !name.isEmpty { json["name"] = .string(name) }
        json["port"] = port["port"]
        json["protocol"] = port["protocol"]
        if let application = port["appProtocol"].string { json["appProtocol"] = .string(application) }
        return json
    }

    private static func subset(_ places: [Place], _ ports: [JSON]) -> JSON {
        var json: JSON = [:]
        let ready = places.filter(\.isReady).map(\.address)
        let others = places.filter { !$0.isReady }.map(\.address)
        if !ready.isEmpty { json["addresses"] = .array(ready) }
        if !others.isEmpty { json["notReadyAddresses"] = .array(others) }
        if !ports.isEmpty {
            let order = ports.sorted {
                ($0["protocol"].string ?? "", $0["port"].int ?? 0, $0["name"].string ?? "")
                    < ($1["protocol"].string ?? "", $1["port"].int ?? 0, $1["name"].string ?? "")
            }
            json["ports"] = .array(order)
        }
        return json
    }
}

extension ServiceTarget {
    fileprivate var address: String { endpoint.addresses.first ?? "" }
    fileprivate var addressJSON: JSON {
        var json: JSON = ["ip": .string(address)]
        if let hostname = endpoint.json["hostname"].string { json["hostname"] = .string(hostname) }
        if !endpoint.nodeName.isEmpty { json["nodeName"] = .string(endpoint.nodeName) }
        json["targetRef"] = endpoint.json["targetRef"]
        return json
    }
}
