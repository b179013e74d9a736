import Shared

/// `v1 ComponentStatus`: the parts that are one process here. Kept for old clients. Pure.
enum ComponentStatuses {
    private static let names = ["controller-manager", "etcd-0", "scheduler"]
    static let warning = "v1 ComponentStatus is deprecated in v1.19+"

    /// - Throws: 404 for another name.
    static func find(_ name: String) throws(Status) -> JSON {
        guard names.contains(name) else {
            throw Status.notFound(GroupResource(group: "", "componentstatuses"), name)
        }
        return object(name)
    }

    static func all(_ selection: Selection) -> [JSON] {
        names.filter { name in
            var projection = Projection(metadata: ObjectMeta([:]))
            projection.fields = ["metadata.name": name]
            return selection.matches(projection, ObjectKey(GroupResource(group: "", "componentstatuses"), name: name))
        }.map(object)
    }

    private static func object(_ name: String) -> JSON {
        let message: JSON = name == "etcd-0" ? "{\"health\":\"true\"}" : "ok"
        return [
            "kind": "ComponentStatus", "apiVersion": "v1",
            "metadata": ["name": .string(name), "creationTimestamp": nil],
            "conditions": [["type": "Healthy", "status": "True", "message": message]],
        ]
    }
}
