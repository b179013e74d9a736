import Shared
import Synchronization

/// What the pods of each node use: the secrets, config maps, claims, volumes and service accounts that the node's agent
/// may therefore read. A class: the store's changes and all requests share it.
/// Source: plugin/pkg/auth/authorizer/node/graph.go.
final class NodeGraph: Sendable {
    fileprivate struct Placed {
        let uid: String
        let node: String
        let uses: Set<ObjectKey>
    }
    fileprivate struct Volume {
        let claim: ObjectKey?
        let secrets: Set<ObjectKey>
    }
    fileprivate struct State {
        var pods: [ObjectKey: Placed] = [:]
        /// For each object that pods use: how many pods of which node.
        var users: [ObjectKey: [String: Int]] = [:]
        var volumes: [String: Volume] = [:]
        /// Names of the volumes that use a secret.
        var volumesOfSecret: [ObjectKey: Set<String>] = [:]
        /// The certificates of each ingress, which the proxies of all nodes need.
        var certificates: [ObjectKey: Set<ObjectKey>] = [:]
        /// How many ingresses use a secret as their certificate.
        var ingressesOfSecret: [ObjectKey: Int] = [:]
        /// The node of a volume attachment.
        var attachments: [String: String] = [:]
    }
    private let state = Mutex(State())

    static let secrets = GroupResource("secrets")
    static let configMaps = GroupResource("configmaps")
    static let claims = GroupResource("persistentvolumeclaims")
    static let volumes = GroupResource("persistentvolumes")
    static let accounts = GroupResource("serviceaccounts")
    static let attachments = GroupResource(group: "storage.k8s.io", "volumeattachments")

    private static let watched = [Pod.type.resource, Ingress.type.resource, volumes, attachments]

    init() {}

    convenience init(store: Store) {
        self.init()
        for resource in Self.watched {
            for stored in store.list(resource).items { put(stored) }
        }
    }

    /// Called on the commit thread.
    func receive(_ changes: [Change]) {
        for change in changes {
            guard Self.watched.contains(change.key.resource) else { continue }
            if change.kind == .deletion { remove(change.key) } else { put(change.stored) }
        }
    }

    /// Whether an object is used by a pod of the node, directly or through a claim and its volume, or by an ingress.
    func leads(from node: String, to key: ObjectKey) -> Bool {
        state.withLock { state in
            if state.users[key]?[node] != nil { return true }
            func through(_ volume: String) -> Bool {
                state.volumes[volume]?.claim.map { state.users[$0]?[node] != nil } ?? false
            }
            switch key.resource {
            case Self.volumes: return through(key.name)
            case Self.secrets:
                return state.ingressesOfSecret[key] != nil
                    || state.volumesOfSecret[key]?.contains(where: through) ?? false
            case Self.attachments: return state.attachments[key.name] == node
            default: return false
            }
        }
    }

    private func put(_ stored: Stored) {
        let key = stored.key
        switch key.resource {
        case Pod.type.resource:
            let node = stored.projection.fields["spec.nodeName"] ?? ""
            // What a pod uses can not change once it has its node.
            let isKnown = state.withLock { $0.pods[key].map { $0.uid == stored.projection.uid && $0.node == node } }
            if node.isEmpty || isKnown == true { return }
            guard let spec = try? stored.member("spec") else { return }
            let uses = NodeGraph.uses(ofPod: key.name, key.namespace, spec)
            let placed = Placed(uid: stored.projection.uid, node: node, uses: uses)
            state.withLock { state in
                state.drop(key)
                state.pods[key] = placed
                for used in placed.uses { state.users[used, default: [:]][node, default: 0] += 1 }
            }
        case Self.volumes:
            guard let json = try? stored.json() else { return }
            let volume = Volume(claim: NodeGraph.claim(of: json), secrets: NodeGraph.secrets(ofVolume: json))
            state.withLock { state in
                state.dropVolume(key.name)
                state.volumes[key.name] = volume
                for secret in volume.secrets { state.volumesOfSecret[secret, default: []].insert(key.name) }
            }
        case Ingress.type.resource:
            guard let json = try? stored.json() else { return }
            let names = Ingress(json).tls.compactMap { $0["secretName"].string }
            let secrets = Set(names.map { ObjectKey(Self.secrets, namespace: key.namespace, name: $0) })
            state.withLock { state in
                state.dropIngress(key)
                state.certificates[key] = secrets
                for secret in secrets { state.ingressesOfSecret[secret, default: 0] += 1 }
            }
        default:
            guard let json = try? stored.json() else { return }
            state.withLock { $0.attachments[key.name] = json["spec"]["nodeName"].string }
        }
    }

    private func remove(_ key: ObjectKey) {
        state.withLock { state in
            switch key.resource {
            case Pod.type.resource: state.drop(key)
            case Self.volumes: state.dropVolume(key.name)
            case Ingress.type.resource: state.dropIngress(key)
            default: state.attachments[key.name] = nil
            }
        }
    }

    // MARK: What objects use

    /// The objects that a pod names, whether they exist or not.
    static func uses(ofPod podName: String, _ namespace: String, _ spec: JSON) -> Set<ObjectKey> {
        var uses: Set<ObjectKey> = []
        func note(_ resource: GroupResource, _ name: JSON) {
            if let name = name.string, !name.isEmpty {
                uses.insert(ObjectKey(resource, namespace: namespace, name: name))
            }
        }
        note(accounts, spec["serviceAccountName"])
        for secret in spec["imagePullSecrets"].items { note(secrets, secret["name"]) }
        for list in ["initContainers", "containers", "ephemeralContainers"] {
            for container in spec[list].items {
                for source in container["envFrom"].items {
                    note(configMaps, source["configMapRef"]["name"])
                    note(secrets, source["secretRef"]["name"])
                }
                for variable in container["env"].items {
                    note(configMaps, variable["valueFrom"]["configMapKeyRef"]["name"])
                    note(secrets, variable["valueFrom"]["secretKeyRef"]["name"])
                }
            }
        }
        for volume in spec["volumes"].items {
            note(secrets, volume["secret"]["secretName"])
            note(configMaps, volume["configMap"]["name"])
            note(claims, volume["persistentVolumeClaim"]["claimName"])
            if !volume["ephemeral"].isNull { note(claims, .string("\(podName)-\(volume["name"].string ?? "")")) }
            for source in volume["projected"]["sources"].items {
                note(secrets, source["secret"]["name"])
                note(configMaps, source["configMap"]["name"])
            }
            for driver in ["cephfs", "flexVolume", "iscsi", "rbd", "scaleIO", "storageos"] {
                note(secrets, volume[driver]["secretRef"]["name"])
            }
            note(secrets, volume["azureFile"]["secretName"])
            note(secrets, volume["csi"]["nodePublishSecretRef"]["name"])
        }
        return uses
    }

    private static func claim(of volume: JSON) -> ObjectKey? {
        let reference = volume["spec"]["claimRef"]
        guard let name = reference["name"].string, let namespace = reference["namespace"].string else { return nil }
        return ObjectKey(claims, namespace: namespace, name: name)
    }

    private static func secrets(ofVolume volume: JSON) -> Set<ObjectKey> {
        let spec = volume["spec"]
        let fallback = spec["claimRef"]["namespace"].string ?? ""
        var found: Set<ObjectKey> = []
        func note(_ reference: JSON, name: String = "name", namespace: String = "namespace") {
            guard let text = reference[name].string, !text.isEmpty else { return }
            let given = reference[namespace].string ?? ""
            found.insert(ObjectKey(secrets, namespace: given.isEmpty ? fallback : given, name: text))
        }
        for driver in ["cephfs", "flexVolume", "iscsi", "rbd", "scaleIO", "storageos"] {
            note(spec[driver]["secretRef"])
        }
        note(spec["azureFile"], name: "secretName", namespace: "secretNamespace")
        for reference in ["nodePublishSecretRef", "nodeStageSecretRef", "nodeExpandSecretRef"] {
            note(spec["csi"][reference])
        }
        return found
    }
}

extension NodeGraph.State {
    fileprivate mutating func drop(_ pod: ObjectKey) {
        guard let placed = pods.removeValue(forKey: pod) else { return }
        for used in placed.uses {
            guard var nodes = users[used], let count = nodes[placed.node] else { continue }
            nodes[placed.node] = count > 1 ? count - 1 : nil
            users[used] = nodes.isEmpty ? nil : nodes
        }
    }

    fileprivate mutating func dropIngress(_ key: ObjectKey) {
        for secret in certificates.removeValue(forKey: key) ?? [] {
            let left = (ingressesOfSecret[secret] ?? 0) - 1
            ingressesOfSecret[secret] = left > 0 ? left : nil
        }
    }

    fileprivate mutating func dropVolume(_ name: String) {
        for secret in volumes.removeValue(forKey: name)?.secrets ?? [] {
            volumesOfSecret[secret]?.remove(name)
            if volumesOfSecret[secret]?.isEmpty == true { volumesOfSecret[secret] = nil }
        }
    }
}
