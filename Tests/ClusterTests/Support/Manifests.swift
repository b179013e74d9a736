import Shared
import Testing

/// Objects and questions that scenarios share.
extension InProcessCluster {
    static func deployment(
        _ name: String = "web", replicas: Int = 3, image: String = "run:1", surge: JSON = 1, unavailable: JSON = 0
    ) -> Deployment {
        var deployment = Deployment(name: name, namespace: "default")
        deployment.json["spec"] = [
            "replicas": JSON(replicas), "selector": ["matchLabels": ["app": .string(name)]],
            "strategy": [
                "type": "RollingUpdate", "rollingUpdate": ["maxSurge": surge, "maxUnavailable": unavailable],
            ],
            "template": [
                "metadata": ["labels": ["app": .string(name)]],
                "spec": ["containers": [["name": "main", "image": .string(image)]]],
            ],
        ]
        return deployment
    }

    /// Changes the image of a Deployment's container.
    func setImage(_ image: String, of name: String = "web") async throws {
        _ = try await client.patch(
            Deployment.self, namespace: "default", name: name, .strategic,
            ["spec": ["template": ["spec": ["containers": [["name": "main", "image": .string(image)]]]]]])
    }

    func pods(_ app: String = "web") async throws -> [Pod] {
        try await client.list(Pod.self, namespace: "default", labels: LabelSelector(equal: ["app": app])).items
    }
    /// Pods that run and are not on their way out.
    func running(_ app: String = "web") async throws -> [Pod] {
        try await pods(app).filter { !$0.metadata.isDeleting && $0.status.phase == .running }
    }
    func ready(_ app: String = "web") async throws -> [Pod] {
        try await running(app).filter { $0.status.condition("Ready")?.isTrue ?? false }
    }
    func exists<K: Kind>(_ kind: K.Type, namespace: String = "default", name: String) async throws -> Bool {
        do {
            _ = try await client.get(kind, namespace: namespace, name: name)
            return true
        } catch let status as Status where status.reason == .notFound {
            return false
        }
    }
}
