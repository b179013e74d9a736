import Shared

extension Validation {
    /// How often a kind's own check of an update looks at the same things, which a client sees as equal causes. Every
    /// update is looked at once by the rules of all objects before.
    struct Rounds {
        /// The rules of metadata as for a new object.
        var metadata = 0
        /// The rules of metadata that replaces another.
        var change = 1
        /// The rules of the object itself.
        var rules = 1
        /// What may not change is told before the rules.
        var changesFirst = false

        /// Source: `ValidateUpdate` of `pkg/registry/*/strategy.go`, and the functions that it calls.
        init(for resource: Resource) {
            guard resource.custom == nil else { return }
            let name = resource.groupResource.description
            if Rounds.whole.contains(name) { metadata = 1 }
            if Rounds.withoutChange.contains(name) { change = 0 }
            if Rounds.twice.contains(name) { rules = 2 }
            if ["persistentvolumes", "persistentvolumeclaims"].contains(name) { metadata = 2 }
            changesFirst = ["configmaps", "secrets", "services"].contains(name)
        }

        private static let whole: Set<String> = [
            "pods", "replicationcontrollers", "services", "configmaps", "secrets", "serviceaccounts", "nodes",
            "namespaces", "limitranges", "replicasets.apps", "daemonsets.apps", "statefulsets.apps",
            "controllerrevisions.apps", "jobs.batch", "ingressclasses.networking.k8s.io",
            "networkpolicies.networking.k8s.io", "endpointslices.discovery.k8s.io",
            "roles.rbac.authorization.k8s.io", "rolebindings.rbac.authorization.k8s.io",
            "clusterroles.rbac.authorization.k8s.io", "clusterrolebindings.rbac.authorization.k8s.io",
            "storageclasses.storage.k8s.io", "csinodes.storage.k8s.io", "csistoragecapacities.storage.k8s.io",
            "volumeattachments.storage.k8s.io", "apiservices.apiregistration.k8s.io",
            "certificatesigningrequests.certificates.k8s.io",
            "mutatingwebhookconfigurations.admissionregistration.k8s.io",
            "validatingwebhookconfigurations.admissionregistration.k8s.io",
        ]
        private static let withoutChange: Set<String> = [
            "persistentvolumes", "limitranges", "poddisruptionbudgets.policy", "endpointslices.discovery.k8s.io",
            "csinodes.storage.k8s.io", "csistoragecapacities.storage.k8s.io", "volumeattachments.storage.k8s.io",
            "mutatingwebhookconfigurations.admissionregistration.k8s.io",
            "validatingwebhookconfigurations.admissionregistration.k8s.io",
        ]
        private static let twice: Set<String> = [
            "persistentvolumes", "persistentvolumeclaims", "replicationcontrollers", "replicasets.apps",
            "daemonsets.apps", "networkpolicies.networking.k8s.io",
        ]
    }
}
