import Shared

/// The roles and bindings that every cluster has, and how they are kept: at every start, permissions and subjects that
/// are missing are added and nothing is taken away, unless an object says that it is not to be touched.
/// Source: `assets/api/rbac.txt`; bootstrappolicy of Kubernetes; "Auto-reconciliation" in its RBAC reference.
enum BootstrapRoles {
    static let autoUpdate = "rbac.authorization.kubernetes.io/autoupdate"

    /// All of them. The rules of aggregated roles are filled in already.
    static let all: [JSON] = {
        var objects = parse(Asset.rbac.rows)
        // A role may gather one that gathers others: until nothing changes any more.
        var changes = true
        while changes {
            changes = false
            for index in objects.indices where !objects[index]["aggregationRule"].isNull {
                let rules = JSON.array(RoleAggregation.rules(for: objects[index], among: objects))
                changes = changes || rules != objects[index]["rules"]
                objects[index]["rules"] = rules
            }
        }
        return objects
    }()

    /// What a stored object becomes at a start; nil when it may stay as it is.
    static func reconciled(_ stored: JSON, wanted: JSON) -> JSON? {
        guard stored["metadata"]["annotations"][autoUpdate].string != "false" else { return nil }
        var new = stored
        for key in ["labels", "annotations"] {
            for (name, value) in wanted["metadata"][key].members where stored["metadata"][key][name].isNull {
                new["metadata"][key][name] = value
            }
        }
        if wanted["roleRef"].isNull {
            if wanted["aggregationRule"].isNull {
                let missing = PolicyRule.joined(
                    PolicyRule.missing(
                        wanted["rules"].items.map(PolicyRule.init), in: stored["rules"].items.map(PolicyRule.init)))
                if !missing.isEmpty { new["rules"] = .array(stored["rules"].items + missing.map(\.json)) }
            } else {
                new["aggregationRule"] = wanted["aggregationRule"]
            }
        } else {
            let held = stored["subjects"].items
            let missing = wanted["subjects"].items.filter { !held.contains($0) }
            if !missing.isEmpty { new["subjects"] = .array(held + missing) }
        }
        // Not a ternary: there nil would be the JSON null.
        if new == stored { return nil }
        return new
    }

    // MARK: The table

    private static func parse(_ rows: [[String]]) -> [JSON] {
        var objects: [JSON] = []
        for row in rows {
            func cell(_ index: Int) -> String { row.indices.contains(index) ? row[index] : "" }
            switch cell(0) {
            case "":
                guard let last = objects.indices.last else { continue }
                objects[last]["rules"] = .array(objects[last]["rules"].items + [rule(cell)])
            case "clusterrole":
                var role = object("ClusterRole", cell(1))
                if !cell(2).isEmpty { role["metadata"]["labels"]["\(RBAC.group)/aggregate-to-\(cell(2))"] = "true" }
                if cell(3) == "aggregated" {
                    let label = "\(RBAC.group)/aggregate-to-\(cell(1))"
                    role["aggregationRule"]["clusterRoleSelectors"] = [
                        ["matchLabels": JSON([label: "true"])]
                    ]
                }
                objects.append(role)
            case "role": objects.append(object("Role", cell(1), namespace: cell(2)))
            case "clusterrolebinding":
                var binding = object("ClusterRoleBinding", cell(1))
                binding["subjects"] = subjects(cell(3))
                binding["roleRef"] = reference("ClusterRole", cell(2))
                objects.append(binding)
            case "rolebinding":
                var binding = object("RoleBinding", cell(1), namespace: cell(4))
                let parts = cell(2).split(separator: ":", maxSplits: 1)
                binding["subjects"] = subjects(cell(3))
                binding["roleRef"] = reference(String(parts.first ?? ""), String(parts.last ?? ""))
                objects.append(binding)
            default: preconditionFailure("assets/api/rbac.txt begins a line with \(cell(0))")
            }
        }
        return objects
    }

    private static func object(_ kind: String, _ name: String, namespace: String = "") -> JSON {
        var metadata: JSON = ["name": .string(name)]
        if !namespace.isEmpty { metadata["namespace"] = .string(namespace) }
        metadata["labels"] = ["kubernetes.io/bootstrapping": "rbac-defaults"]
        metadata["annotations"] = JSON([autoUpdate: "true"])
        var object: JSON = ["apiVersion": "rbac.authorization.k8s.io/v1", "kind": .string(kind), "metadata": metadata]
        if kind.hasSuffix("Role") { object["rules"] = [] }
        return object
    }

    private static func rule(_ cell: (Int) -> String) -> JSON {
        func list(_ index: Int) -> [String] { cell(index).split(separator: ",").map(String.init) }
        var rule = PolicyRule(verbs: list(1))
        if cell(2) == "urls" {
            rule.nonResourceURLs = list(3)
        } else {
            rule.apiGroups = list(2).map { $0 == "core" ? "" : $0 }
            rule.resources = list(3)
            rule.resourceNames = list(4)
        }
        return rule.json
    }

    /// Reads `User:anna,Group:developers,ServiceAccount:namespace/name`.
    private static func subjects(_ cell: String) -> JSON {
        .array(
            cell.split(separator: ",").map { item in
                let parts = item.split(separator: ":", maxSplits: 1).map(String.init)
                guard parts[0] == "ServiceAccount" else {
                    return ["kind": .string(parts[0]), "apiGroup": .string(RBAC.group), "name": .string(parts[1])]
                }
                let names = parts[1].split(separator: "/").map(String.init)
                return ["kind": "ServiceAccount", "name": .string(names[1]), "namespace": .string(names[0])]
            })
    }

    private static func reference(_ kind: String, _ name: String) -> JSON {
        ["apiGroup": .string(RBAC.group), "kind": .string(kind), "name": .string(name)]
    }
}
