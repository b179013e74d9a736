import Shared

/// `autoscaling/v1` and `v2` of HorizontalPodAutoscaler as each other. What v1 has no field for travels in annotations.
/// Pure. Source: `pkg/apis/autoscaling/v1/conversion.go`.
enum AutoscalerVersions {
    private static let prefix = "autoscaling.alpha.kubernetes.io/"
    private static let cpu = "cpu"

    /// The object of v1 as v2 stores it.
    static func latest(_ object: JSON) -> JSON {
        var result = object
        result["apiVersion"] = "autoscaling/v2"
        var annotations = object["metadata"]["annotations"].strings
        var metrics = list(annotations.removeValue(forKey: prefix + "metrics"))
        if let percent = result["spec"].remove("targetCPUUtilizationPercentage")?.int {
            let target: JSON = ["type": "Utilization", "averageUtilization": JSON(percent)]
            metrics.insert(["type": "Resource", "resource": ["name": .string(cpu), "target": target]], at: 0)
        }
        if !metrics.isEmpty { result["spec"]["metrics"] = .array(metrics) }
        if let behavior = value(annotations.removeValue(forKey: prefix + "behavior")) {
            result["spec"]["behavior"] = behavior
        }
        var current = list(annotations.removeValue(forKey: prefix + "current-metrics"))
        let conditions = list(annotations.removeValue(forKey: prefix + "conditions"))
        if let status = result["status"].object, !status.isEmpty {
            if let percent = result["status"].remove("currentCPUUtilizationPercentage")?.int {
                let now: JSON = ["averageUtilization": JSON(percent)]
                current.insert(["type": "Resource", "resource": ["name": .string(cpu), "current": now]], at: 0)
            }
            if !current.isEmpty { result["status"]["currentMetrics"] = .array(current) }
            if !conditions.isEmpty { result["status"]["conditions"] = .array(conditions) }
        }
        if result["metadata"].object != nil {
            result["metadata"].set("annotations", annotations.isEmpty ? nil : JSON(annotations))
        }
        return result
    }

    /// The stored object as v1 tells it.
    static func first(_ object: JSON) -> JSON {
        var result = object
        result["apiVersion"] = "autoscaling/v1"
        var annotations = object["metadata"]["annotations"].strings
        var metrics = result["spec"].remove("metrics")?.items ?? []
        if let index = metrics.firstIndex(where: { !share($0, "target").isNull }) {
            result["spec"]["targetCPUUtilizationPercentage"] = share(metrics.remove(at: index), "target")
        }
        if !metrics.isEmpty { annotations[prefix + "metrics"] = JSON.array(metrics).text }
        if let behavior = result["spec"].remove("behavior"), !behavior.isNull {
            annotations[prefix + "behavior"] = behavior.text
        }
        if result["status"].object != nil {
            for count in ["currentReplicas", "desiredReplicas"] where result["status"][count].isNull {
                result["status"][count] = 0
            }
            var current = result["status"].remove("currentMetrics")?.items ?? []
            if let index = current.firstIndex(where: { !share($0, "current").isNull }) {
                result["status"]["currentCPUUtilizationPercentage"] = share(current.remove(at: index), "current")
            }
            if !current.isEmpty { annotations[prefix + "current-metrics"] = JSON.array(current).text }
            if let conditions = result["status"].remove("conditions"), !conditions.items.isEmpty {
                annotations[prefix + "conditions"] = conditions.text
            }
        }
        if !annotations.isEmpty { result["metadata"]["annotations"] = JSON(annotations) }
        return result
    }

    /// The share of the requested CPU that a metric is about; null for other metrics.
    private static func share(_ metric: JSON, _ part: String) -> JSON {
        guard metric["type"] == "Resource", metric["resource"]["name"] == .string(cpu) else { return .null }
        return metric["resource"][part]["averageUtilization"]
    }

    private static func value(_ text: String?) -> JSON? { text.flatMap { try? JSON(parsing: Array($0.utf8)) } }
    private static func list(_ text: String?) -> [JSON] { value(text)?.items ?? [] }
}
