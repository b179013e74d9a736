import Shared

/// What an object counts as in resource quotas. Pure. Source: `pkg/quota/v1/evaluator/core`.
enum QuotaUse {
    typealias Amounts = [String: Quantity]

    static func of(_ object: JSON, _ resource: GroupResource) -> Amounts {
        var use: Amounts = ["count/\(resource)": Quantity(1)]
        switch resource.description {
        case "pods": use.merge(pod(object["spec"])) { _, new in new }
        case "services": use.merge(service(object["spec"])) { _, new in new }
        case "persistentvolumeclaims": use.merge(claim(object["spec"])) { _, new in new }
        case "configmaps", "secrets", "replicationcontrollers", "resourcequotas": use[resource.resource] = Quantity(1)
        default: break
        }
        return use
    }

    private static func pod(_ spec: JSON) -> Amounts {
        var use: Amounts = ["pods": Quantity(1)]
        for (name, amount) in PodAmounts.sum(spec, "requests") {
            if isStandard(name) {
                use[name] = amount
                use["requests.\(name)"] = amount
            } else if Validation.isExtended(name) {
                use["requests.\(name)"] = amount
            }
        }
        for (name, amount) in PodAmounts.sum(spec, "limits") where isStandard(name) { use["limits.\(name)"] = amount }
        return use
    }

    private static func isStandard(_ name: String) -> Bool {
        ["cpu", "memory", "ephemeral-storage"].contains(name) || name.hasPrefix("hugepages-")
    }

    private static func service(_ spec: JSON) -> Amounts {
        var use: Amounts = [
            "services": Quantity(1), "services.nodeports": Quantity(0), "services.loadbalancers": Quantity(0),
        ]
        let ports = spec["ports"].items
        switch spec["type"].string {
        case "NodePort": use["services.nodeports"] = Quantity(ports.count)
        case "LoadBalancer":
            use["services.loadbalancers"] = Quantity(1)
            let held = ports.count { ($0["nodePort"].int ?? 0) != 0 }
            use["services.nodeports"] = Quantity(spec["allocateLoadBalancerNodePorts"] == false ? held : ports.count)
        default: break
        }
        return use
    }

    private static func claim(_ spec: JSON) -> Amounts {
        var use: Amounts = ["persistentvolumeclaims": Quantity(1)]
        let storage = spec["resources"]["requests"]["storage"].string.flatMap { Quantity($0) }
        if let storage { use["requests.storage"] = storage }
        if let name = spec["storageClassName"].string, !name.isEmpty {
            let prefix = "\(name).storageclass.storage.k8s.io/"
            use[prefix + "persistentvolumeclaims"] = Quantity(1)
            if let storage { use[prefix + "requests.storage"] = storage }
        }
        return use
    }

    /// Pods that have ended hold nothing any more but their place among all pods.
    static func isDone(_ object: JSON, _ resource: GroupResource, _ now: Timestamp) -> Bool {
        guard resource == Pod.type.resource else { return false }
        if object["status"]["phase"] == "Succeeded" || object["status"]["phase"] == "Failed" { return true }
        let metadata = Object(object).metadata
        guard let end = metadata.deletionTimestamp, let grace = metadata.deletionGracePeriodSeconds else {
            return false
        }
        return now > end + .seconds(grace)
    }

    /// What every container must name when a quota counts it. Source: `validationSet` of the pod evaluator.
    static let demanded: Set<String> = [
        "cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory",
    ]

    /// `must specify cpu for: web`, when containers leave out what the quota counts.
    static func missing(in object: JSON, _ resource: GroupResource, of names: [String]) -> String? {
        guard resource == Pod.type.resource else { return nil }
        var parts: [String] = []
        for name in names.sorted() where demanded.contains(name) {
            let list = name.hasPrefix("limits.") ? "limits" : "requests"
            let key = name.split(separator: ".").last.map(String.init) ?? name
            let containers = object["spec"]["containers"].items + object["spec"]["initContainers"].items
            let silent = containers.filter { $0["resources"][list][key].isNull }.compactMap { $0["name"].string }
            if !silent.isEmpty { parts.append("\(name) for: \(Set(silent).sorted().joined(separator: ","))") }
        }
        return parts.isEmpty ? nil : "must specify " + parts.joined(separator: "; ")
    }
}

/// What the scopes of a quota ask about an object. Pure. Source: `podMatchesScopeFunc`.
struct QuotaScopes: Sendable {
    private let isPod: Bool
    private let isTerminating: Bool
    private let isBestEffort: Bool
    private let priorityClass: String
    private let reachesOtherNamespaces: Bool

    init(_ object: JSON, _ resource: GroupResource) {
        let spec = object["spec"]
        isPod = resource == Pod.type.resource
        isTerminating = isPod && (spec["activeDeadlineSeconds"].int ?? -1) >= 0
        isBestEffort = isPod && QualityOfService(pod: object) == .bestEffort
        priorityClass = spec["priorityClassName"].string ?? ""
        reachesOtherNamespaces = isPod && QuotaScopes.reachesOut(spec["affinity"])
    }

    private static func reachesOut(_ affinity: JSON) -> Bool {
        ["podAffinity", "podAntiAffinity"].contains { kind in
            let required = affinity[kind]["requiredDuringSchedulingIgnoredDuringExecution"].items
            let preferred = affinity[kind]["preferredDuringSchedulingIgnoredDuringExecution"].items
            return (required + preferred.map { $0["podAffinityTerm"] }).contains {
                !$0["namespaces"].items.isEmpty || !$0["namespaceSelector"].isNull
            }
        }
    }

    /// Whether a quota with this specification counts the object. Scopes are about pods; a quota that has some counts
    /// nothing else.
    func areCovered(by spec: JSON) -> Bool {
        let plain = spec["scopes"].items.compactMap(\.string)
        let selective = spec["scopeSelector"]["matchExpressions"].items
        if plain.isEmpty, selective.isEmpty { return true }
        guard isPod else { return false }
        return plain.allSatisfy { holds($0, "Exists", []) }
            && selective.allSatisfy {
                holds(
                    $0["scopeName"].string ?? "", $0["operator"].string ?? "", $0["values"].items.compactMap(\.string))
            }
    }

    private func holds(_ scope: String, _ operation: String, _ values: [String]) -> Bool {
        switch scope {
        case "Terminating": return isTerminating
        case "NotTerminating": return !isTerminating
        case "BestEffort": return isBestEffort
        case "NotBestEffort": return !isBestEffort
        case "CrossNamespacePodAffinity": return reachesOtherNamespaces
        case "PriorityClass":
            guard let known = LabelSelector.Operator(rawValue: operation) else { return false }
            let requirement = LabelSelector.Requirement(scope, known, values)
            return requirement.matches(priorityClass.isEmpty ? nil : priorityClass)
        default: return false
        }
    }
}
