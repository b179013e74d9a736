/// `core/v1 Node`. Writers: spec = user and node lifecycle (taints), status = its agent.
package struct Node: Kind {
    package static let type = KindType(group: "", version: "v1", kind: "Node", plural: "nodes", isNamespaced: false)
    package var json: JSON
    package init(_ json: JSON) { self.json = json }

    package var isUnschedulable: Bool { json.at("spec", "unschedulable").bool ?? false }
    package var podCIDR: String { json.at("spec", "podCIDR").string ?? "" }
    package var taints: [Taint] {
        get { json.at("spec", "taints").items.map { Taint($0) } }
        set { json["spec"].set("taints", newValue.isEmpty ? nil : .array(newValue.map(\.json))) }
    }
    package var conditions: [Condition] {
        get { json.at("status", "conditions").items.map { Condition($0) } }
        set { json["status"]["conditions"] = .array(newValue.map(\.json)) }
    }
    package func condition(_ type: String) -> Condition? { conditions.first { $0.type == type } }
    package var isReady: Bool { condition("Ready")?.isTrue ?? false }
    package var allocatable: [String: Quantity] { json.at("status", "allocatable").quantities }
    /// The address of `type` (`InternalIP`, `Hostname`), empty when there is none.
    package func address(_ type: String) -> String {
        json.at("status", "addresses").items.first { $0["type"].string == type }?["address"].string ?? ""
    }
}

/// `core/v1 Taint`.
package struct Taint: View {
    package var json: JSON
    package init(_ json: JSON) { self.json = json }

    package init(_ key: String, value: String = "", effect: String, added: Timestamp? = nil) {
        json = ["key": .string(key), "effect": .string(effect)]
        setText("value", value)
        setTime("timeAdded", added)
    }
    package var key: String { text("key") }
    package var value: String { text("value") }
    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`.
    package var effect: String { text("effect") }
    package var added: Timestamp? { time("timeAdded") }
}
