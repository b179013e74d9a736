import Shared

/// Where newer servers answer otherwise than the recorded 1.20.2, on purpose. What they add is not held against them;
/// scenarios that they answer with another outcome are counted apart.
enum GoldenVersions {
    /// Members that newer servers add to objects, and the names of these in sets of fields.
    static let additions: Set<String> = [
        "internalTrafficPolicy", "ipFamilies", "ipFamilyPolicy", "allocateLoadBalancerNodePorts",
        "externalTrafficPolicy", "persistentVolumeClaimRetentionPolicy", "completionMode", "suspend",
        "podReplacementPolicy", "manualSelector", "generation", "subresource", "terminatingReplicas", "maxSurge",
        "kubernetes.io/metadata.name", "availableReplicas",
    ]

    /// Whether a member that the recording does not have is such an addition.
    static func isAddition(_ key: String, _ value: JSON) -> Bool {
        additions.contains(key) || key.hasPrefix("f:") && additions.contains(String(key.dropFirst(2)))
            || key == "labels" && value.members.map(\.key) == ["kubernetes.io/metadata.name"]
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
    ]
}
