import Shared

/// Finds the pods that `logs` and `exec` mean: a pod by name, or those of a workload.
enum PodChoice {
    /// - Parameter operand: `web-1`, `pod/web-1`, `deploy/web`, `svc/web`, `job/x`.
    /// - Returns: running pods first.
    static func pods(_ operand: String, _ session: Session) async throws -> [JSON] {
        guard operand.contains("/") else {
            return [
                try await session.client.call(
                    "GET", Pod.type.path(namespace: session.namespace, name: URLText.encode(operand)))
            ]
        }
        let selection = try Selection([operand], try await session.resources())
        guard let entry = selection.entries.first, let object = try await session.objects(entry, Arguments()).first
        else { return [] }
        if entry.resource.type.kind == "Pod" { return [object] }
        let query: Query
        if entry.resource.type.kind == "Service" {
            let labels = object.at("spec", "selector").strings
            query = labels.isEmpty ? [:] : ["labelSelector": LabelSelector(equal: labels).description]
        } else {
            query = Rollouts.query(object)
        }
        guard !query.isEmpty else { throw Failure("\(operand) selects no pods; name a pod instead.") }
        let pods = try await session.list(Pod.type.path(namespace: session.namespace), query: query)
        guard !pods.isEmpty else { throw Failure("\(operand) has no pods now; see kconsole describe \(operand).") }
        return pods.sorted { rank($0) < rank($1) }
    }

    private static func rank(_ pod: JSON) -> Int {
        let isDeleting = Object(pod).metadata.isDeleting
        let isRunning = pod.at("status", "phase").string == "Running"
        return (isDeleting ? 2 : 0) + (isRunning ? 0 : 1)
    }

    /// The container that is meant when none is named. Source: the annotation of KEP-2227.
    static func container(_ pod: JSON, _ wanted: String?) throws(Failure) -> String {
        let spec = pod["spec"]
        let names = (spec["containers"].items + spec["initContainers"].items + spec["ephemeralContainers"].items)
            .compactMap { $0["name"].string }
        if let wanted {
            guard names.contains(wanted) else {
                throw Failure(
                    "error: container \(wanted) is not valid for pod \(Object(pod).name); known are \(names.joined(separator: ", "))"
                )
            }
            return wanted
        }
        let marked = Object(pod).metadata.annotations["kubectl.kubernetes.io/default-container"]
        if let marked, names.contains(marked) { return marked }
        return names.first ?? ""
    }
}
