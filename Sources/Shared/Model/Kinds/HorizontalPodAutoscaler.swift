/// `autoscaling/v2 HorizontalPodAutoscaler`. Writers: spec = user, status = autoscaling controller.
package struct HorizontalPodAutoscaler: Kind {
    package static let type = KindType(
        group: "autoscaling", version: "v2", kind: "HorizontalPodAutoscaler", plural: "horizontalpodautoscalers")
    package var json: JSON
    package init(_ json: JSON) { self.json = json }

    package var target: JSON { json.at("spec", "scaleTargetRef") }
    package var minReplicas: Int { max(0, json.at("spec", "minReplicas").int ?? 1) }
    package var maxReplicas: Int { max(1, json.at("spec", "maxReplicas").int ?? 1) }
    package var metrics: [JSON] { json.at("spec", "metrics").items }
    package var behavior: JSON { json.at("spec", "behavior") }
    package var status: JSON {
        get { json["status"] }
        set { json["status"] = newValue }
    }
    package var lastScaleTime: Timestamp? { status["lastScaleTime"].string.flatMap { Timestamp(rfc3339: $0) } }
}
