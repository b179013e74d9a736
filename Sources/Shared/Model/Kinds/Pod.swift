/// `core/v1 Pod`. Writers: spec = user, binding (`spec.nodeName`) = scheduler, status = its agent.
package struct Pod: Kind {
    package static let type = KindType(group: "", version: "v1", kind: "Pod", plural: "pods")
    package var json: JSON
    package init(_ json: JSON) { self.json = json }

    package var spec: PodSpec {
        get { view("spec") }
        set { json["spec"] = newValue.json }
    }
    package var status: PodStatus {
        get { view("status") }
        set { json["status"] = newValue.json }
    }
    /// Succeeded or Failed: its containers will not run again.
    package var isFinished: Bool { status.phase == .succeeded || status.phase == .failed }
    package var isReady: Bool { status.condition("Ready")?.isTrue ?? false }
}

package struct PodSpec: View {
    package var json: JSON
    package init(_ json: JSON) { self.json = json }

    package enum RestartPolicy: String, Sendable { case always = "Always", onFailure = "OnFailure", never = "Never" }

    package var nodeName: String {
        get { text("nodeName") }
        set { setText("nodeName", newValue) }
    }
    package var containers: [Container] {
        get { views("containers") }
        set { setViews("containers", newValue) }
    }
    package var initContainers: [Container] {
        get { views("initContainers") }
        set { setViews("initContainers", newValue) }
    }
    package var volumes: [JSON] { json["volumes"].items }
    package var restartPolicy: RestartPolicy { RestartPolicy(rawValue: text("restartPolicy")) ?? .always }
    package var graceSeconds: Int { json["terminationGracePeriodSeconds"].int ?? 30 }
    package var nodeSelector: [String: String] { json["nodeSelector"].strings }
    package var tolerations: [Toleration] {
        get { views("tolerations") }
        set { setViews("tolerations", newValue) }
    }
    package var serviceAccountName: String {
        get { text("serviceAccountName") }
        set { setText("serviceAccountName", newValue) }
    }
    package var schedulerName: String { text("schedulerName") }
    package var hostNetwork: Bool { json["hostNetwork"].bool ?? false }
    package var priority: Int { json["priority"].int ?? 0 }
}

package struct Container: View {
    package var json: JSON
    package init(_ json: JSON) { self.json = json }

    package var name: String { text("name") }
    package var image: String { text("image") }
    package var command: [String] { json["command"].items.compactMap(\.string) }
    package var arguments: [String] { json["args"].items.compactMap(\.string) }
    package var workingDirectory: String { text("workingDir") }
    package var ports: [JSON] { json["ports"].items }
    /// `resources.requests`, by resource name; what does not read as a quantity is left out.
    package var requests: [String: Quantity] { json.at("resources", "requests").quantities }
    package var limits: [String: Quantity] { json.at("resources", "limits").quantities }
}

/// `core/v1 Toleration`.
package struct Toleration: View {
    package var json: JSON
    package init(_ json: JSON) { self.json = json }

    package var key: String { text("key") }
    package var value: String { text("value") }
    package var effect: String { text("effect") }
    package var seconds: Int? { json["tolerationSeconds"].int }
    package var exists: Bool { text("operator") == "Exists" }

    /// Source: core/v1 `Toleration.ToleratesTaint`.
    package func tolerates(_ taint: Taint) -> Bool {
        (effect.isEmpty || effect == taint.effect) && (key.isEmpty || key == taint.key)
            && (exists || value == taint.value)
            && !(key.isEmpty && !exists)
    }
}

package struct PodStatus: View {
    package var json: JSON
    package init(_ json: JSON) { self.json = json }

    package enum Phase: String, Sendable {
        case pending = "Pending"
        case running = "Running"
        case succeeded = "Succeeded"
        case failed = "Failed"
        case unknown = "Unknown"
    }
    package var phase: Phase {
        get { Phase(rawValue: text("phase")) ?? .pending }
        set { setText("phase", newValue.rawValue) }
    }
    package var podIP: String { text("podIP") }
    package var hostIP: String { text("hostIP") }
    package var reason: String { text("reason") }
    package var message: String { text("message") }
    package var startTime: Timestamp? { time("startTime") }
    package var conditions: [Condition] {
        get { views("conditions") }
        set { setViews("conditions", newValue) }
    }
    package func condition(_ type: String) -> Condition? { conditions.first { $0.type == type } }
    package var containerStatuses: [ContainerStatus] { views("containerStatuses") }
    package var initContainerStatuses: [ContainerStatus] { views("initContainerStatuses") }
}

package struct ContainerStatus: View {
    package var json: JSON
    package init(_ json: JSON) { self.json = json }

    package var name: String { text("name") }
    package var isReady: Bool { json["ready"].bool ?? false }
    package var restartCount: Int { json["restartCount"].int ?? 0 }
    package var state: JSON { json["state"] }
    package var lastState: JSON { json["lastState"] }
}
