import Shared

/// The kinds of apps, batch, autoscaling and policy.
extension Cells {
    func workload(_ column: String, _ kind: String) -> JSON {
        switch kind {
        case "Deployment": deployment(column)
        case "ReplicaSet": replicas(column, selector: selector(spec["selector"]))
        case "StatefulSet": column == "Ready" ? ready : template(column, spec["template"])
        case "DaemonSet": daemonSet(column)
        case "ControllerRevision": column == "Revision" ? number(object["revision"]) : .string(controller)
        case "Job": job(column)
        case "CronJob": cronJob(column)
        case "HorizontalPodAutoscaler": autoscaler(column)
        case "Scale": number(column == "Desired" ? spec["replicas"] : status["replicas"])
        case "PodDisruptionBudget": budget(column)
        default: .null
        }
    }

    private var ready: JSON {
        .string("\(status["readyReplicas"].int ?? 0)/\(spec["replicas"].int ?? 0)")
    }

    private func deployment(_ column: String) -> JSON {
        switch column {
        case "Ready": ready
        case "Up-to-date": number(status["updatedReplicas"])
        case "Available": number(status["availableReplicas"])
        case "Selector": .string(selector(spec["selector"]))
        default: template(column, spec["template"])
        }
    }

    private func daemonSet(_ column: String) -> JSON {
        switch column {
        case "Desired": number(status["desiredNumberScheduled"])
        case "Current": number(status["currentNumberScheduled"])
        case "Ready": number(status["numberReady"])
        case "Up-to-date": number(status["updatedNumberScheduled"])
        case "Available": number(status["numberAvailable"])
        case "Selector": .string(selector(spec["selector"]))
        default: template(column, spec["template"])
        }
    }

    /// `statefulset.apps/web`; for the core group `kind/name`.
    private var controller: String {
        guard let owner = object["metadata"]["ownerReferences"].items.first(where: { $0["controller"] == true }) else {
            return "<none>"
        }
        let parts = (owner["apiVersion"].string ?? "").split(separator: "/")
        let kind = (owner["kind"].string ?? "").lowercased() + (parts.count == 2 ? ".\(parts[0])" : "")
        return "\(kind)/\(owner["name"].string ?? "")"
    }

    private func job(_ column: String) -> JSON {
        switch column {
        case "Status":
            if isTrue("Complete") { return "Complete" }
            if isTrue("Failed") { return "Failed" }
            if !object["metadata"]["deletionTimestamp"].isNull { return "Terminating" }
            if isTrue("Suspended") { return "Suspended" }
            if isTrue("FailureTarget") { return "FailureTarget" }
            return isTrue("SuccessCriteriaMet") ? "SuccessCriteriaMet" : "Running"
        case "Completions":
            let succeeded = status["succeeded"].int ?? 0
            if let wanted = spec["completions"].int { return .string("\(succeeded)/\(wanted)") }
            let parallelism = spec["parallelism"].int ?? 0
            return .string(parallelism > 1 ? "\(succeeded)/1 of \(parallelism)" : "\(succeeded)/1")
        case "Duration":
            guard let start = status["startTime"].string.flatMap({ Timestamp(rfc3339: $0) }) else { return "" }
            let end = status["completionTime"].string.flatMap { Timestamp(rfc3339: $0) }
            return .string(((end ?? now) - start).human)
        case "Selector": return .string(selector(spec["selector"]))
        default: return template(column, spec["template"])
        }
    }

    private func cronJob(_ column: String) -> JSON {
        let job = spec["jobTemplate"]["spec"]
        switch column {
        case "Schedule": return text(spec["schedule"])
        case "Timezone": return text(spec["timeZone"], or: "<none>")
        case "Suspend":
            guard let suspended = spec["suspend"].bool else { return "<unset>" }
            return suspended ? "True" : "False"
        case "Active": return JSON(status["active"].items.count)
        case "Last Schedule":
            return .string(status["lastScheduleTime"].isNull ? "<none>" : age(status["lastScheduleTime"]))
        case "Selector": return .string(job["selector"].isNull ? "<none>" : selector(job["selector"]))
        default: return template(column, job["template"])
        }
    }

    private func autoscaler(_ column: String) -> JSON {
        let target = spec["scaleTargetRef"]
        switch column {
        case "Reference": return .string("\(target["kind"].string ?? "")/\(target["name"].string ?? "")")
        case "Targets": return .string(targets)
        case "MinPods": return text(spec["minReplicas"], or: "<unset>")
        case "MaxPods": return number(spec["maxReplicas"])
        default: return number(status["currentReplicas"])
        }
    }

    private var targets: String {
        var list: [String] = []
        let current = status["currentMetrics"].items
        for (index, metric) in spec["metrics"].items.enumerated() {
            list.append(AutoscalerMetric(metric, current.indices.contains(index) ? current[index] : .null).text)
        }
        if spec["metrics"].isNull, let wanted = spec["targetCPUUtilizationPercentage"].int {
            let now = status["currentCPUUtilizationPercentage"].int.map { "\($0)%" } ?? "<unknown>"
            list.append("cpu: \(now)/\(wanted)%")
        }
        if list.isEmpty { return "<none>" }
        let more = list.count > 2 ? " + \(list.count - 2) more..." : ""
        return list.prefix(2).joined(separator: ", ") + more
    }

    private func budget(_ column: String) -> JSON {
        switch column {
        case "Min Available": text(spec["minAvailable"], or: "N/A")
        case "Max Unavailable": text(spec["maxUnavailable"], or: "N/A")
        default: number(status["disruptionsAllowed"])
        }
    }
}

/// One metric of an autoscaler as `current/target`.
struct AutoscalerMetric {
    let text: String

    init(_ wanted: JSON, _ current: JSON) {
        let field =
            switch wanted["type"].string ?? "" {
            case "Resource": "resource"
            case "ContainerResource": "containerResource"
            case "Pods": "pods"
            case "Object": "object"
            default: "external"
            }
        let target = wanted[field]["target"]
        let now = current[field]["current"]
        func value(_ value: JSON) -> String? { value.string }
        switch field {
        case "resource", "containerResource":
            let name = (wanted[field]["name"].string ?? "") + ": "
            if let average = value(target["averageValue"]) {
                text = name + "\(value(now["averageValue"]) ?? "<unknown>")/\(average)"
            } else {
                let utilization = now["averageUtilization"].int.map { "\($0)%" } ?? "<unknown>"
                text = name + "\(utilization)/\(target["averageUtilization"].int.map { "\($0)%" } ?? "<auto>")"
            }
        case "pods":
            text = "\(value(now["averageValue"]) ?? "<unknown>")/\(value(target["averageValue"]) ?? "<unknown>")"
        default:
            if let average = value(target["averageValue"]) {
                text = "\(value(now["averageValue"]) ?? "<unknown>")/\(average) (avg)"
            } else {
                text = "\(value(now["value"]) ?? "<unknown>")/\(value(target["value"]) ?? "<unknown>")"
            }
        }
    }
}
