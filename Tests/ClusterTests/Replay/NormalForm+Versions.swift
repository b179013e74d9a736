import Shared

@testable import Master

/// What the recorded version did otherwise on purpose, and what can be told from the recording alone.
extension NormalForm {
    /// A recorded object as later versions would have it.
    static func newer(_ recorded: JSON, _ kind: String) -> JSON {
        var object = recorded
        switch kind {
        case "EndpointSlice":
            // Whether a mirrored address is ready was not told.
            if isMirrored(object) { object = withoutReadiness(object) }
        case "ResourceQuota":
            // The account of the namespace had a secret with its token.
            for name in ["secrets", "count/secrets"] {
                guard let count = object.at("status", "used", name).string.flatMap({ Int($0) }) else { continue }
                object["status"]["used"][name] = .string(String(max(0, count - 1)))
            }
        case "HorizontalPodAutoscaler", "events":
            // The server itself answers for metrics now, though it has none of these pods.
            object = replacing(
                "unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)",
                with: "no metrics returned from resource metrics API", in: object)
        default: break
        }
        return object
    }

    /// Recorded endpoints without pods that have ended: these are listed no more (1.22), whatever restarts them.
    static func without(ended: Set<String>, _ recorded: JSON, _ kind: String) -> JSON {
        let isGone: (JSON) -> Bool = { address in
            address["target"].string.map { $0.hasPrefix("Pod/") && ended.contains(String($0.dropFirst(4))) } ?? false
        }
        var object = recorded
        switch kind {
        case "EndpointSlice" where recorded["endpoints"].items.contains(where: isGone):
            let left = recorded["endpoints"].items.filter { !isGone($0) }
            object["endpoints"] = .array(left)
            if left.isEmpty { object["ports"] = [] }
        case "Endpoints":
            object["subsets"] = .array(
                recorded["subsets"].items.compactMap { subset in
                    var subset = subset
                    for list in ["addresses", "notReadyAddresses"] {
                        let left = subset[list].items.filter { !isGone($0) }
                        subset.set(list, left.isEmpty ? nil : .array(left))
                    }
                    return subset["addresses"].isNull && subset["notReadyAddresses"].isNull ? nil : subset
                })
        default: break
        }
        return object
    }

    /// What was found, without what is not to be compared.
    static func comparable(_ found: JSON, _ kind: String) -> JSON {
        kind == "EndpointSlice" && isMirrored(found) ? withoutReadiness(found) : found
    }

    /// Whether the object belongs to one of the services.
    static func belongs(_ object: JSON, _ kind: String, to services: Set<String>) -> Bool {
        switch kind {
        case "Endpoints": services.contains(object["name"].string ?? "")
        case "EndpointSlice": services.contains(object["labels"][EndpointSlice.serviceLabel].string ?? "")
        default: false
        }
    }

    private static func isMirrored(_ slice: JSON) -> Bool {
        slice["labels"][EndpointSlice.managerLabel].string == MirrorPlan.manager
    }
    private static func withoutReadiness(_ slice: JSON) -> JSON {
        var slice = slice
        slice["endpoints"] = .array(
            slice["endpoints"].items.map { endpoint in
                var endpoint = endpoint
                endpoint.remove("conditions")
                return endpoint.canonical
            }.sorted { $0.text < $1.text })
        return slice.canonical
    }

    private static func replacing(_ old: String, with new: String, in json: JSON) -> JSON {
        switch json {
        case .string(let text): .string(text.replacing(old, with: new))
        case .array(let items): .array(items.map { replacing(old, with: new, in: $0) })
        case .object(let members):
            .object(JSON.Members(members.map { ($0.key, replacing(old, with: new, in: $0.value)) }))
        default: json
        }
    }
}
