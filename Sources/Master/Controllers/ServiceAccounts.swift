import Shared

/// Gives every namespace its service account `default`.
struct ServiceAccounts: Reconciler {
    let client: Client
    let namespaces: Informer<Namespace>
    let accounts: Informer<ServiceAccount>

    /// - Parameter key: a namespace.
    func reconcile(_ key: ObjectKey) async throws -> Outcome {
        guard let namespace = namespaces.get(name: key.name), namespace.isActive,
            accounts.get(namespace: key.name, name: "default") == nil
        else { return .settled }
        do {
            _ = try await client.create(ServiceAccount(name: "default", namespace: key.name))
        } catch let status as Status where status.reason == .alreadyExists {
        } catch  where isNamespaceTerminating(error) {}
        return .settled
    }
}

/// Puts the cluster's CA into every namespace, so that pods can trust the API server.
struct RootCertificates: Reconciler {
    let client: Client
    let namespaces: Informer<Namespace>
    /// The ConfigMaps of that name.
    let published: Informer<ConfigMap>
    /// The CA's certificate in PEM.
    let certificate: String

    /// - Parameter key: a namespace.
    func reconcile(_ key: ObjectKey) async throws -> Outcome {
        guard let namespace = namespaces.get(name: key.name), namespace.isActive else { return .settled }
        let data: JSON = ["ca.crt": .string(certificate)]
        let known = published.get(namespace: key.name, name: ConfigMap.rootCertificates)
        var wanted = known ?? ConfigMap(name: ConfigMap.rootCertificates, namespace: key.name)
        wanted.json["data"] = data
        var annotations = wanted.metadata.annotations
        annotations["kubernetes.io/description"] =
            "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as "
            + "the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of "
            + "Kubernetes clusters."
        wanted.metadata.annotations = annotations
        do {
            if known == nil {
                _ = try await client.create(wanted)
            } else if known != wanted {
                _ = try await client.update(wanted)
            }
        } catch let status as Status where status.reason == .alreadyExists || status.reason == .notFound {
        } catch  where isNamespaceTerminating(error) {}
        return .settled
    }
}

extension Namespace {
    /// Not on its way out.
    fileprivate var isActive: Bool { !metadata.isDeleting && json.at("status", "phase").string != "Terminating" }
}
