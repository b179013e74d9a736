import Shared

/// How the objects of one resource are written: the answers of Kubernetes's storage strategies as plain data.
/// Source: `pkg/registry/*/strategy.go`.
struct Strategy: Sendable, Hashable {
    /// There is a `status` subresource: a write of the object keeps the stored status, a write of the status the rest.
    var hasStatus = false
    /// `metadata.generation` is 1 at first and grows with every change of the specification.
    var tracksGeneration = false
    /// A PUT of a name that does not exist creates it.
    var allowsCreateOnUpdate = false
    /// A PUT without a resourceVersion overwrites whatever is stored.
    var allowsUnconditionalUpdate = true
    /// A DELETE marks the object and waits for its agent to finish.
    var isGracefullyDeleted = false
    /// A DELETE that does not say what becomes of dependents leaves them behind, as these kinds always have.
    var orphansDependents = false
    var nameRule = NameRule.subdomain
    /// The answer to a deletion is the object as it was last, not a Status.
    var returnsDeleted = false

    /// The grammar of an object's name.
    enum NameRule: Sendable, Hashable {
        /// RFC 1123 subdomain.
        case subdomain
        /// RFC 1123 label.
        case label
        /// RFC 1035 label: starts with a letter.
        case label1035
        /// Anything that may be one segment of a path.
        case pathSegment
        /// Names are not looked at, as in reviews.
        case any
    }

    init() {}

    init(for resource: Resource) {
        let name = resource.groupResource.description
        hasStatus = resource.subresource("status") != nil
        tracksGeneration = Strategy.generational.contains(name)
        allowsCreateOnUpdate = Strategy.createdByUpdate.contains(name)
        allowsUnconditionalUpdate = !Strategy.conditional.contains(name)
        isGracefullyDeleted = name == "pods"
        orphansDependents = name == "jobs.batch" || name == "replicationcontrollers"
        returnsDeleted = Strategy.returning.contains(name)
        switch name {
        case "namespaces": nameRule = .label
        case "services": nameRule = .label1035
        case "apiservices.apiregistration.k8s.io", "customresourcedefinitions.apiextensions.k8s.io":
            nameRule = .subdomain
        default:
            if resource.group == "rbac.authorization.k8s.io" || resource.plural == "certificatesigningrequests" {
                nameRule = resource.group == "rbac.authorization.k8s.io" ? .pathSegment : .subdomain
            } else if !resource.allows("get") {
                nameRule = .any
            }
        }
    }

    private static let returning: Set<String> = [
        "persistentvolumeclaims", "persistentvolumes", "pods", "podtemplates", "resourcequotas", "serviceaccounts",
        "csidrivers.storage.k8s.io", "csinodes.storage.k8s.io", "csistoragecapacities.storage.k8s.io",
        "storageclasses.storage.k8s.io", "volumeattachments.storage.k8s.io",
        "volumeattributesclasses.storage.k8s.io",
    ]
    private static let generational: Set<String> = [
        "customresourcedefinitions.apiextensions.k8s.io", "daemonsets.apps", "deployments.apps", "replicasets.apps",
        "statefulsets.apps", "endpointslices.discovery.k8s.io", "ingresses.networking.k8s.io",
        "ingressclasses.networking.k8s.io", "networkpolicies.networking.k8s.io", "poddisruptionbudgets.policy",
        "priorityclasses.scheduling.k8s.io", "replicationcontrollers", "jobs.batch", "cronjobs.batch", "pods",
        "mutatingwebhookconfigurations.admissionregistration.k8s.io",
        "validatingwebhookconfigurations.admissionregistration.k8s.io",
        "validatingadmissionpolicies.admissionregistration.k8s.io",
        "validatingadmissionpolicybindings.admissionregistration.k8s.io",
    ]
    private static let createdByUpdate: Set<String> = [
        "endpoints", "events", "events.events.k8s.io", "leases.coordination.k8s.io", "limitranges", "services",
        "roles.rbac.authorization.k8s.io", "rolebindings.rbac.authorization.k8s.io",
        "clusterroles.rbac.authorization.k8s.io", "clusterrolebindings.rbac.authorization.k8s.io",
    ]
    private static let conditional: Set<String> = [
        "leases.coordination.k8s.io", "poddisruptionbudgets.policy", "csinodes.storage.k8s.io",
        "csidrivers.storage.k8s.io", "volumeattachments.storage.k8s.io", "csistoragecapacities.storage.k8s.io",
        "runtimeclasses.node.k8s.io", "customresourcedefinitions.apiextensions.k8s.io",
        "apiservices.apiregistration.k8s.io", "mutatingwebhookconfigurations.admissionregistration.k8s.io",
        "validatingwebhookconfigurations.admissionregistration.k8s.io",
        "validatingadmissionpolicies.admissionregistration.k8s.io",
        "validatingadmissionpolicybindings.admissionregistration.k8s.io",
    ]
}
