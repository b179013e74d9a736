/// `policy/v1 PodDisruptionBudget`. Writers: spec = user, status = disruption controller and evictions.
package struct PodDisruptionBudget: Kind {
    package static let type = KindType(
        group: "policy", version: "v1", kind: "PodDisruptionBudget", plural: "poddisruptionbudgets")
    package var json: JSON
    package init(_ json: JSON) { self.json = json }

    /// Nil selects nothing; the empty selector every pod of the namespace.
    package var selector: LabelSelector? { LabelSelector(json.at("spec", "selector")) }
    package var minAvailable: IntOrPercent? { IntOrPercent(json.at("spec", "minAvailable")) }
    package var maxUnavailable: IntOrPercent? { IntOrPercent(json.at("spec", "maxUnavailable")) }
    package var status: JSON {
        get { json["status"] }
        set { json["status"] = newValue }
    }
    /// When evictions were granted that have not been seen yet, by pod name.
    package var disruptedPods: [String: Timestamp] {
        status["disruptedPods"].strings.compactMapValues { Timestamp(rfc3339: $0) }
    }
}
