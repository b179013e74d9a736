import Shared

/// Where newer servers answer otherwise than the recorded 1.20.2, on purpose. What they add is not held against them;
/// texts are compared as newer servers write them; scenarios that they answer with another outcome are counted apart.
enum GoldenVersions {
    /// Members that newer servers add to objects, and the names of these in sets of fields.
    static let additions: Set<String> = [
        "internalTrafficPolicy", "ipFamilies", "ipFamilyPolicy", "allocateLoadBalancerNodePorts",
        "externalTrafficPolicy", "persistentVolumeClaimRetentionPolicy", "completionMode", "suspend",
        "podReplacementPolicy", "manualSelector", "generation", "subresource", "terminatingReplicas", "maxSurge",
        "kubernetes.io/metadata.name", "availableReplicas", "requiresRepublish", "seLinuxMount", "storageCapacity",
        "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name",
        // Behind gates that were off: the recorded server dropped what the request asked for.
        "ttlSecondsAfterFinished",
    ]

    /// Whether a member that the recording does not have is such an addition.
    static func isAddition(_ key: String, _ value: JSON, at path: String) -> Bool {
        additions.contains(key) || key.hasPrefix("f:") && additions.contains(String(key.dropFirst(2)))
            || key == "labels" && value.members.map(\.key) == ["kubernetes.io/metadata.name"]
            // Parameters of an ingress class say where they are.
            || key == "scope" && path == "spec.parameters"
            // CSINode and its kin have a status since.
            || key == "status" && value == [:]
    }

    /// A member that newer servers leave out where the recorded one wrote null.
    static func isOmission(_ key: String, _ value: JSON) -> Bool { key == "apiGroup" && value.isNull }

    /// The name that a member has since; a job knows its pods by a label with a prefix (1.27).
    static func newName(of key: String, at path: String) -> String? {
        path == "spec.selector.matchLabels" && key == "controller-uid" ? "batch.kubernetes.io/controller-uid" : nil
    }

    /// Texts of 1.20.2 and those of newer servers, in the order in which they are looked for.
    static let texts: [(old: String, new: String)] = [
        // Group extensions is gone (1.22), and with it the first name that these kinds had.
        ("Ingress.extensions ", "Ingress.networking.k8s.io "),
        ("NetworkPolicy.extensions ", "NetworkPolicy.networking.k8s.io "),
        // Names of ports.
        ("must contain at least one letter or number (a-z, 0-9)", "must contain at least one letter (a-z)"),
        // Any printable character is right in the name of a variable (1.30).
        (
            "must consist of alphabetic characters, digits, '_', '-', or '.', and must not start with a digit "
                + "(e.g. 'my.env-name',  or 'MY_ENV.NAME',  or 'MyEnvName1', regex used for validation is "
                + "'[-._a-zA-Z][-._a-zA-Z0-9]*')",
            "must consist only of printable ASCII characters other than '=' (e.g. 'my.env-name',  or 'MY_ENV.NAME',  "
                + "or 'MyEnvName1')"
        ),
        // Addresses of both families.
        ("may not be unspecified (0.0.0.0)", "may not be unspecified (0.0.0.0 or ::)"),
        ("loopback range (127.0.0.0/8)", "loopback range (127.0.0.0/8, ::1/128)"),
        ("link-local range (169.254.0.0/16)", "link-local range (169.254.0.0/16, fe80::/10)"),
        ("multicast range (224.0.0.0/24)", "multicast range (224.0.0.0/24, ff02::/10)"),
        (
            "[]string{\"x\"}: must be valid CIDR",
            "\"x\": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
        ),
        // Services of two families (1.23).
        ("must be empty when clusterIP is empty", "must be empty when `clusterIP` is not specified"),
        ("may not be set for ExternalName services", "may not be set when `type` is 'ExternalName'"),
        (
            "ExternalTrafficPolicy can only be set on NodePort and LoadBalancer service",
            "may only be set for externally-accessible services"
        ),
        ("HealthCheckNodePort must be not less than 0", "must be between 0 and 65535, inclusive"),
        // Lists of values are sorted (1.29).
        ("supported values: \"Ingress\", \"Egress\"", "supported values: \"Egress\", \"Ingress\""),
        // More may change (1.22, 1.27, 1.34).
        (
            "other than 'replicas', 'template', and 'updateStrategy' are forbidden",
            "other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', "
                + "'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
        ),
        (
            "after creation except resources.requests for bound claims",
            "after creation except resources.requests and volumeAttributesClassName for bound claims"
        ),
        (
            "`spec.initContainers[*].image`, `spec.activeDeadlineSeconds` or `spec.tolerations` (only additions to existing tolerations)",
            "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
        ),
        ("`spec.containers[*].image`, ", "`spec.containers[*].image`,"),
        // Longer names of nodes (1.21).
        ("must be 128 characters or less", "must be 256 characters or less"),
        // Watches that begin with what is there (1.27).
        (
            "resourceVersionMatch is forbidden for watch",
            "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
        ),
    ]

    /// A recorded text in the words of newer servers.
    static func newer(_ text: String) -> String {
        guard text.utf8.count < 100_000 else { return text }
        // The group in the details of a refusal.
        if text == "extensions" { return "networking.k8s.io" }
        var result = text
        for (old, new) in texts where result.contains(old) && !result.contains(new) {
            result = result.replacing(old, with: new)
        }
        return result
    }

    /// Whether a warning is one that the recorded server did not know: fields are checked since 1.25.
    static func isNewWarning(_ text: String) -> Bool {
        text.hasPrefix("299 - \"unknown field ") || text.hasPrefix("299 - \"duplicate field ")
    }

    /// Scenarios with another outcome, and why.
    static let changed: [String: String] = [
        "ssa-emptymap": "an empty map is owned",
        "ssa-vol-switch": "an empty struct is owned and so removed",
        "ssa-strategy-switch": "a struct goes with the last of its fields that the applier owned",
        "ssa-map-nodeselector": "node selectors are atomic",
        "ssa-list-order": "shared items take the order of the applier",
        "ssa-svc-create": "selectors of services are atomic",
        "ssa-svc-over-update": "selectors of services are atomic",
        "patch-merge-cm-case": "a warning names the unknown field",
        "patch-smp-tmpl-tol-delete": "a warning names the directive that means nothing there",
        "patch-smp-sa-ips-replace": "a warning names the directive that means nothing there",
        "ssa-ns": "the namespace is checked before the name, with another text",
        "patch-json-cm-ns-change": "the namespace is checked before the name, with another text",
        "patch-merge-cm-ns": "the namespace is checked before the name, with another text",
        "ssa-mf-put-bad": "entries of an unknown operation are not taken over",
        "patch-json-body-garbage": "the text begins with what could not be decoded",
        "patch-json-body-trailing": "the text begins with what could not be decoded",
        "patch-merge-cm-kind": "messages of the JSON decoder",
        "patch-merge-cm-immutable-str": "messages of the JSON decoder",
        "patch-json-cm-bad-base64": "messages of the JSON decoder",
        "val-pod-envfrom-prefix": "any printable character is right in a prefix of variables (1.30)",
        "val-pod-init-ready": "init containers may have probes when they go on running (1.28)",
        "val-pod-csc-ape": "privileged containers are allowed; the recorded server was set up to refuse them",
        "val-svc-etp-bad": "another kind of error (1.26)",
        "val-svc-ipfam": "the families of a service are checked (1.21)",
        "val-svc-ipfp": "the families of a service are checked (1.21)",
        "val-svc-ipfp-dual": "the families of a service are checked (1.21)",
        "val-job-ttl": "the time to live is no longer behind a gate (1.23)",
        "val-job-longname": "the job's labels carry its name twice (1.27)",
        "val-job-sel": "the job's labels carry its name twice (1.27)",
        "val-upd-job-sel": "the job's labels carry its name twice (1.27)",
        "val-upd-csid-info": "podInfoOnMount may change (1.29)",
        "val-ns-long": "the name is a label as well (1.21)",
        "val-lsar-nons": "the namespace of the path is the object's (1.21), which then is compared with the question's",
        "val-upd-sts-rhl": "revisionHistoryLimit may change (1.34)",
        "verb-list-cont-old": "history is kept here: the version of the token is not too old",
        "verb-fields-services": "services have selectors of their own (1.31)",
        "verb-fields-replicasets": "replica sets have a selector of their own",
        "verb-scale-replicasets": "the namespace of the path is the scale's (1.21)",
        "verb-scale-statefulsets": "the namespace of the path is the scale's (1.21)",
        "verb-scale-replicationcontrollers": "the namespace of the path is the scale's (1.21)",
    ]

    /// Why a refusal is one that only the recorded server gave; nil when newer ones give it too.
    static func outdated(_ message: String) -> String? {
        if message.contains("primary clusterIP can not be unset") {
            return "a PUT of a service without its address keeps the address (1.21)"
        }
        if message.contains(", error found in #") { return "messages of the JSON decoder (1.23)" }
        return nil
    }
}
