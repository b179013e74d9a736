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
    package var lastTransitionTime: Timestamp? { time("lastTransitionTime") }
}
