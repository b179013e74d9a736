import Shared

/// Workloads, and what is seen of them in normal form.
extension Scenario {
    /// - Parameters:
    ///   - app: the label that the workload selects, which is its name unless told otherwise.
    ///   - pool: the nodes that its pods go to: `pool`, or `$S` for those of the scenario.
    ///   - spec: laid over.
    static func workload(
        _ kind: String, _ name: String, image: String = "run:1", app: String? = nil, pool: String = "pool",
        spec: JSON = [:]
    ) -> JSON {
        let labels: JSON = ["app": .string(app ?? name)]
        var workload: JSON = ["kind": .string(kind), "metadata": ["name": .string(name), "labels": labels]]
        var pod = Scenario.pod("", image: image)["spec"]
        pod["nodeSelector"] = ["set": .string(pool)]
        workload["spec"] = ["selector": ["matchLabels": labels], "template": ["metadata": ["labels": labels]]]
        workload["spec"]["template"]["spec"] = pod
        if kind == "StatefulSet" { workload["spec"]["serviceName"] = .string(name) }
        for (key, value) in spec.members { workload["spec"][key] = value }
        return workload
    }
    static func job(image: String = "stuck:1", restart: String = "Never", spec: JSON = [:]) -> JSON {
        var pod = Scenario.pod("", image: image)["spec"]
        pod["restartPolicy"] = .string(restart)
        var job: JSON = ["kind": "Job", "metadata": ["name": "sum"]]
        job["spec"]["template"]["spec"] = pod
        for (key, value) in spec.members { job["spec"][key] = value }
        return job
    }

    /// Changes the image of the container.
    static func setImage(_ kind: String, _ name: String, _ image: String) -> JSON {
        let container: JSON = ["name": "c", "image": .string(image)]
        var action = patch(kind, name, ["spec": ["template": ["spec": ["containers": [container]]]]])
        action["type"] = "strategic"
        return action
    }
    static func set(_ kind: String, _ name: String, _ spec: JSON) -> JSON { patch(kind, name, ["spec": spec]) }
    static func node(_ name: String) -> JSON { ["op": "node", "name": .string("gc-$S-\(name)")] }
    /// Puts pods into a state of the recordings: `ready`, `notready`, `succeeded`, `failed`.
    /// - Parameter first: so many, by age; nil moves all.
    static func move(to state: String, first: Int? = nil, phase: String? = nil) -> JSON {
        var action: JSON = ["op": "pods", "to": .string(state)]
        if let first { action["n"] = JSON(first) }
        if let phase { action["phase"] = .string(phase) }
        return action
    }
    static func removePods(_ names: String...) -> JSON { ["op": "rmpods", "names": JSON(names)] }

    // MARK: What is seen

    static func event(
        _ object: String, _ reason: String, _ message: String, count: Int = 1, isWarning: Bool = false
    ) -> JSON {
        let parts = object.split(separator: "/").map(String.init)
        return [
            "kind": .string(parts[0]), "name": .string(parts.last ?? ""), "reason": .string(reason),
            "message": .string(message), "count": JSON(count), "type": isWarning ? "Warning" : "Normal",
        ]
    }

    /// - Parameter place: `db-0`, or `ds-*` for a name that was made up; its workload is found from `owner`.
    static func seen(
        _ name: String, _ image: String, labels: JSON, owner: String, phase: String = "Running", count: Int = 1,
        isDeleting: Bool = false, more: JSON = [:]
    ) -> JSON {
        var pod: JSON = [
            "name": .string(name), "image": .string(image), "labels": labels, "owners": [.string(owner)],
            "phase": .string(phase), "ready": .bool(phase == "Running"), "bound": true,
        ]
        if count > 1 { pod["count"] = JSON(count) }
        if isDeleting { pod["deleting"] = true }
        for (key, value) in more.members { pod[key] = value }
        return pod
    }
}
