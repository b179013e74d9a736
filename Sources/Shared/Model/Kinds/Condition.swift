/// An entry of `status.conditions`, as pods, nodes, deployments and most other kinds have them.
package struct Condition: View {
    package var json: JSON
    package init(_ json: JSON) { self.json = json }

    package init(_ type: String, _ status: Bool?, reason: String = "", message: String = "", since: Timestamp) {
        json = ["type": .string(type), "status": .string(status.map { $0 ? "True" : "False" } ?? "Unknown")]
        setTime("lastTransitionTime", since)
        setText("reason", reason)
        setText("message", message)
    }

    package var type: String { text("type") }
    /// `True`, `False` or `Unknown`.
    package var status: String { text("status") }
    package var isTrue: Bool { status == "True" }
    package var reason: String { text("reason") }
    package var message: String { text("message") }
    package var lastTransitionTime: Timestamp? {
        get { time("lastTransitionTime") }
        set { setTime("lastTransitionTime", newValue) }
    }
    /// When the condition was last written, even without a change of status; deployments have it.
    package var lastUpdateTime: Timestamp? {
        get { time("lastUpdateTime") }
        set { setTime("lastUpdateTime", newValue) }
    }
}

extension Kind {
    /// `status.conditions`; setting none removes the list.
    package var conditions: [Condition] {
        get { json.at("status", "conditions").items.map { Condition($0) } }
        set { json["status"].set("conditions", newValue.isEmpty ? nil : .array(newValue.map(\.json))) }
    }
    package func condition(_ type: String) -> Condition? { conditions.first { $0.type == type } }
}

extension [Condition] {
    package func first(_ type: String) -> Condition? { first { $0.type == type } }

    /// Puts the condition in place of the one of its type. The time of transition stays when the status is the same.
    package mutating func put(_ condition: Condition) {
        var condition = condition
        if let index = firstIndex(where: { $0.type == condition.type }) {
            if self[index].status == condition.status, let since = self[index].lastTransitionTime {
                condition.lastTransitionTime = since
            }
            self[index] = condition
        } else {
            append(condition)
        }
    }
    package mutating func remove(_ type: String) { removeAll { $0.type == type } }
}
