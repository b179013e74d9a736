import CAssets
import Shared

/// The demo of `assets/demo`, which the program carries.
enum Demo {
    /// Creates what is missing of the demo; what exists stays as it is.
    static func apply(_ cluster: LocalCluster, _ call: Invocation) async throws {
        let asset = kotohajime_asset_demo()
        let bytes = Array(UnsafeBufferPointer(start: asset.bytes, count: asset.count))
        let client = try await cluster.client()
        try await waitForAccount(client, call.clock)
        var made = 0
        for document in try YAML.parse(bytes, file: "demo.yaml") where !document.isEmpty {
            guard let type = kinds[Object(document.value).kind] else {
                preconditionFailure("the demo has the unexpected kind \(Object(document.value).kind)")
            }
            do {
                _ = try await client.call("POST", type.path(namespace: "default"), body: document.value)
                made += 1
            } catch let status as Status where status.reason == .alreadyExists {}
        }
        call.out(made == 0 ? "The demo is deployed already." : "The demo is deployed: \(made) objects.")
    }

    private static let kinds: [String: KindType] = Dictionary(
        uniqueKeysWithValues: [ConfigMap.type, Deployment.type, ClusterService.type, Pod.type, Job.type].map {
            ($0.kind, $0)
        })

    /// Pods are refused until the namespace has its default service account, which a controller makes.
    private static func waitForAccount(_ client: Client, _ clock: any WallClock) async throws {
        for _ in 0..<200 {
            if (try? await client.get(ServiceAccount.self, namespace: "default", name: "default")) != nil { return }
            try await clock.sleep(for: .milliseconds(25))
        }
    }
}
