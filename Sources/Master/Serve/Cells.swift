import Shared

/// Computes the cells of one object's row. Texts follow Kubernetes's printers to the letter.
struct Cells {
    let object: JSON
    let now: Timestamp

    var spec: JSON { object["spec"] }
    var status: JSON { object["status"] }

    /// The cell of a column other than the name and the age.
    func cell(_ column: String, group: String, kind: String) -> JSON {
        switch group {
        case "": core(column, kind)
        case "apps", "batch", "autoscaling", "policy": workload(column, kind)
        default: other(column, kind)
        }
    }

    func name(group: String, kind: String) -> JSON {
        let name = object["metadata"]["name"].string ?? ""
        guard kind == "StorageClass" else { return .string(name) }
        let annotations = object["metadata"]["annotations"]
        let isDefault = ["storageclass.kubernetes.io", "storageclass.beta.kubernetes.io"].contains {
            annotations["\($0)/is-default-class"] == "true"
        }
        return .string(isDefault ? "\(name) (default)" : name)
    }

    /// The time since a timestamp, `<unknown>` when there is none.
    func age(_ value: JSON) -> String {
        guard let time = value.string.flatMap({ Timestamp(rfc3339: $0) }) else { return "<unknown>" }
        return (now - time).human
    }

    // Words that many cells share.

    func text(_ value: JSON, or absent: String = "") -> JSON {
        switch value {
        case .string(let text): .string(text.isEmpty ? absent : text)
        case .int(let number): .string(String(number))
        case .bool(let flag): .string(flag ? "true" : "false")
        default: .string(absent)
        }
    }
    func number(_ value: JSON) -> JSON { JSON(value.int ?? 0) }
    func flag(_ value: JSON, or absent: Bool = false) -> JSON { .bool(value.bool ?? absent) }

    /// `k=v,k=v` by key.
    func labels(_ value: JSON) -> String {
        let pairs = value.strings.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        return pairs.isEmpty ? "<none>" : pairs.joined(separator: ",")
    }
    /// A label selector as text: `app=web,tier in (a,b),!old`.
    func selector(_ value: JSON) -> String {
        var terms = value["matchLabels"].strings.map { (key: $0.key, text: "\($0.key)=\($0.value)") }
        for expression in value["matchExpressions"].items {
            let key = expression["key"].string ?? ""
            let values = "(" + expression["values"].items.compactMap(\.string).sorted().joined(separator: ",") + ")"
            switch expression["operator"].string {
            case "In": terms.append((key, "\(key) in \(values)"))
            case "NotIn": terms.append((key, "\(key) notin \(values)"))
            case "Exists": terms.append((key, key))
            case "DoesNotExist": terms.append((key, "!\(key)"))
            default: break
            }
        }
        return terms.isEmpty ? "<none>" : terms.sorted { $0.key < $1.key }.map(\.text).joined(separator: ",")
    }
    /// At most three items, then how many there are beyond.
    func firstThree(_ items: [String], or absent: String) -> String {
        if items.isEmpty { return absent }
        let more = items.count > 3 ? " + \(items.count - 3) more..." : ""
        return items.prefix(3).joined(separator: ",") + more
    }
    func condition(_ type: String) -> JSON {
        status["conditions"].items.first { $0["type"].string == type } ?? .null
    }
    func isTrue(_ condition: String) -> Bool { self.condition(condition)["status"] == "True" }
    func containers(_ template: JSON, _ field: String) -> JSON {
        .string(template["spec"]["containers"].items.map { $0[field].string ?? "" }.joined(separator: ","))
    }
    func strings(_ value: JSON) -> [String] { value.items.compactMap(\.string) }

    /// `RWO,ROX,RWX,RWOP` in that order.
    func accessModes(_ value: JSON) -> String {
        let modes = strings(value)
        let names = [
            ("ReadWriteOnce", "RWO"), ("ReadOnlyMany", "ROX"), ("ReadWriteMany", "RWX"), ("ReadWriteOncePod", "RWOP"),
        ]
        return names.filter { modes.contains($0.0) }.map(\.1).joined(separator: ",")
    }
    /// Addresses of a load balancer, each once, sorted.
    func balancer(_ value: JSON) -> [String] {
        Set(
            value["ingress"].items.compactMap { entry in
                let address = entry["ip"].string ?? ""
                return address.isEmpty ? entry["hostname"].string : address
            }
        ).filter { !$0.isEmpty }.sorted()
    }
}
