import Shared
import Synchronization

/// Tokens of service accounts for the pods of this node, renewed when four fifths of their life are over.
/// A class: pods share it. Source: kubelet `token.Manager`, authentication.k8s.io/v1 `TokenRequest`.
final class ServiceAccountTokens: Sendable {
    private struct Key: Hashable {
        let uid: String
        let audience: String
        let seconds: Int
    }
    private struct Kept {
        let token: String
        let renewAt: Timestamp
        let expires: Timestamp
    }
    private let client: Client
    private let clock: any WallClock
    private let kept = Mutex<[Key: Kept]>([:])

    init(_ client: Client, clock: any WallClock) {
        self.client = client
        self.clock = clock
    }

    func token(for pod: Pod, audience: String, seconds: Int) async throws -> String {
        let key = Key(uid: pod.metadata.uid, audience: audience, seconds: seconds)
        let now = clock.now()
        let known = kept.withLock { $0[key] }
        if let known, now < known.renewAt { return known.token }
        let account = pod.spec.serviceAccountName.isEmpty ? "default" : pod.spec.serviceAccountName
        var spec: JSON = [
            "expirationSeconds": JSON(seconds),
            "boundObjectRef": [
                "kind": "Pod", "apiVersion": "v1", "name": .string(pod.name), "uid": .string(pod.metadata.uid),
            ],
        ]
        spec["audiences"] = audience.isEmpty ? [] : [.string(audience)]
        do {
            let answer = try await client.call(
                "POST", ServiceAccount.type.path(namespace: pod.namespace, name: account, subresource: "token"),
                body: ["kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", "spec": spec])
            guard let token = answer.at("status", "token").string else {
                throw Status(.internalError, "the server gave no token for service account \(account)")
            }
            let expires =
                answer.at("status", "expirationTimestamp").string.flatMap { Timestamp(rfc3339: $0) }
                ?? now + .seconds(seconds)
            let renewAt = now + .nanoseconds((expires - now).nanoseconds / 5 * 4)
            kept.withLock { $0[key] = Kept(token: token, renewAt: renewAt, expires: expires) }
            return token
        } catch {
            // The old one is good for another while.
            if let known, now < known.expires { return known.token }
            throw error
        }
    }

    func forget(_ uid: String) { kept.withLock { kept in kept = kept.filter { $0.key.uid != uid } } }
}
