import Shared

/// Makes the claims of pods' ephemeral volumes; they go with their pods. Source: KEP-1698.
struct EphemeralClaims: Reconciler {
    let client: Client
    let pods: Informer<Pod>
    let claims: Informer<PersistentVolumeClaim>
    let recorder: Recorder

    /// The claims that the pod wants to have of its own.
    static func wanted(_ pod: Pod) -> [PersistentVolumeClaim] {
        pod.spec.volumes.compactMap { volume in
            let template = volume["ephemeral"]["volumeClaimTemplate"]
            guard template.object != nil, let name = volume["name"].string else { return nil }
            var claim = PersistentVolumeClaim(name: "\(pod.name)-\(name)", namespace: pod.namespace)
            claim.metadata.labels = template["metadata"]["labels"].strings
            claim.metadata.annotations = template["metadata"]["annotations"].strings
            claim.metadata.ownerReferences = [OwnerReference(controller: pod)]
            claim.json["spec"] = template["spec"]
            return claim
        }
    }

    func reconcile(_ key: ObjectKey) async throws -> Outcome {
        guard let pod = pods.get(namespace: key.namespace, name: key.name), !pod.metadata.isDeleting, !pod.isFinished
        else { return .settled }
        for claim in EphemeralClaims.wanted(pod) {
            if let known = claims.get(namespace: pod.namespace, name: claim.name) {
                if known.metadata.controller?.uid != pod.metadata.uid {
                    recorder.event(
                        pod, .warning, "FailedBinding",
                        "ephemeral volume: PVC \(pod.namespace)/\(claim.name) was not created for pod \(pod.namespace)/\(pod.name) (pod is not owner)"
                    )
                }
                continue
            }
            do { _ = try await client.create(claim) } catch let status as Status where status.reason == .alreadyExists {
                continue
            } catch {
                if isNamespaceTerminating(error) { return .settled }
                recorder.event(pod, .warning, "FailedBinding", "ephemeral volume controller: \(error)")
                throw error
            }
        }
        return .settled
    }
}
