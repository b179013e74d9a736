import Shared

/// What starts and scales workloads: CronJob, HorizontalPodAutoscaler.
extension DescribeText {
    mutating func cronJob(_ object: JSON) {
        let spec = object["spec"], status = object["status"]
        heading(object)
        line(0, "Schedule:\t\(spec["schedule"].string ?? "")")
        line(0, "Concurrency Policy:\t\(spec["concurrencyPolicy"].string ?? "")")
        line(0, "Suspend:\t\(DescribeText.truth(spec["suspend"]))")
        func number(_ json: JSON, _ unit: String = "") -> String { json.int.map { "\($0)\(unit)" } ?? "<unset>" }
        line(0, "Successful Job History Limit:\t\(number(spec["successfulJobsHistoryLimit"]))")
        line(0, "Failed Job History Limit:\t\(number(spec["failedJobsHistoryLimit"]))")
        line(0, "Starting Deadline Seconds:\t\(number(spec["startingDeadlineSeconds"], "s"))")
        let job = spec.at("jobTemplate", "spec")
        line(0, "Selector:\t\(job["selector"].isNull ? "<unset>" : DescribeText.selector(job["selector"]))")
        line(0, "Parallelism:\t\(number(job["parallelism"]))")
        line(0, "Completions:\t\(number(job["completions"]))")
        if let seconds = job["activeDeadlineSeconds"].int { line(0, "Active Deadline Seconds:\t\(seconds)s") }
        template(job["template"])
        line(0, "Last Schedule Time:\t\(time(status["lastScheduleTime"]))")
        let active = status["active"].items.compactMap { $0["name"].string }
        line(0, "Active Jobs:\t\(active.isEmpty ? "<none>" : active.joined(separator: ", "))")
    }

    mutating func autoscaler(_ object: JSON) {
        let spec = object["spec"], status = object["status"]
        heading(object)
        line(0, "CreationTimestamp:\t\(time(Object(object).metadata.json["creationTimestamp"]))")
        let target = spec["scaleTargetRef"]
        line(0, "Reference:\t\(target["kind"].string ?? "")/\(target["name"].string ?? "")")
        let isFirst = object["apiVersion"].string == "autoscaling/v1"
        if isFirst {
            if let percent = spec["targetCPUUtilizationPercentage"].int {
                line(0, "Target CPU utilization:\t\(percent)%")
                let now = status["currentCPUUtilizationPercentage"].int.map(String.init) ?? "<unknown>"
                line(0, "Current CPU utilization:\t\(now)%")
            }
        } else {
            line(0, "Metrics:\t( current / target )")
            for (index, metric) in spec["metrics"].items.enumerated() {
                self.metric(metric, status["currentMetrics"][index])
            }
        }
        line(0, "Min replicas:\t\(spec["minReplicas"].int.map(String.init) ?? "<unset>")")
        line(0, "Max replicas:\t\(spec["maxReplicas"].int ?? 0)")
        if !spec["behavior"].isNull, !isFirst {
            line(0, "Behavior:")
            direction("Scale Up", spec.at("behavior", "scaleUp"))
            direction("Scale Down", spec.at("behavior", "scaleDown"))
        }
        line(
            0,
            "\(target["kind"].string ?? "") pods:\t\(status["currentReplicas"].int ?? 0) current / \(status["desiredReplicas"].int ?? 0) desired"
        )
        let conditions = status["conditions"].items
        guard !conditions.isEmpty, !isFirst else { return }
        line(0, "Conditions:\n  Type\tStatus\tReason\tMessage")
        line(1, "----\t------\t------\t-------")
        for condition in conditions {
            line(
                1,
                "\(condition["type"].string ?? "")\t\(condition["status"].string ?? "")\t\(condition["reason"].string ?? "")\t\(condition["message"].string ?? "")"
            )
        }
    }

    private mutating func metric(_ metric: JSON, _ current: JSON) {
        func pair(_ key: String, _ field: String) -> String {
            let now = current[key]["current"][field]
            return
                "\(now.isNull ? "<unknown>" : ServerTable.text(now)) / \(ServerTable.text(metric[key]["target"][field]))"
        }
        func name(_ key: String) -> String { metric[key]["metric"]["name"].string ?? "" }
        func isAverage(_ key: String) -> Bool { !metric[key]["target"]["averageValue"].isNull }
        switch metric["type"].string {
        case "External":
            let field = isAverage("external") ? "averageValue" : "value"
            let words = isAverage("external") ? "target average value" : "target value"
            line(1, "\"\(name("external"))\" (\(words)):\t\(pair("external", field))")
        case "Pods": line(1, "\"\(name("pods"))\" on pods:\t\(pair("pods", "averageValue"))")
        case "Object":
            let about = metric.at("object", "describedObject")
            let field = isAverage("object") ? "averageValue" : "value"
            let words = isAverage("object") ? "target average value" : "target value"
            line(
                1,
                "\"\(name("object"))\" on \(about["kind"].string ?? "")/\(about["name"].string ?? "") (\(words)):\t\(pair("object", field))"
            )
        case "Resource", "ContainerResource":
            let key = metric["type"].string == "Resource" ? "resource" : "containerResource"
            let place =
                key == "resource" ? "on pods" : "of container \"\(metric[key]["container"].string ?? "")\" on pods"
            let title = "resource \(metric[key]["name"].string ?? "") \(place)"
            guard !isAverage(key) else { return line(1, "\(title):\t\(pair(key, "averageValue"))") }
            let now = current[key]["current"]
            let have = now["averageUtilization"].int.map { "\($0)% (\(ServerTable.text(now["averageValue"])))" }
            let want = metric[key]["target"]["averageUtilization"].int.map { "\($0)%" }
            line(1, "\(title)  (as a percentage of request):\t\(have ?? "<unknown>") / \(want ?? "<auto>")")
        default: line(1, "<unknown metric type \"\(metric["type"].string ?? "")\">")
        }
    }

    private mutating func direction(_ title: String, _ rules: JSON) {
        guard !rules.isNull else { return }
        line(1, "\(title):")
        if let seconds = rules["stabilizationWindowSeconds"].int { line(2, "Stabilization Window: \(seconds) seconds") }
        let policies = rules["policies"].items
        guard !policies.isEmpty else { return }
        line(2, "Select Policy: \(rules["selectPolicy"].string ?? "Max")")
        line(2, "Policies:")
        for policy in policies {
            line(
                3,
                "- Type: \(policy["type"].string ?? "")\tValue: \(policy["value"].int ?? 0)\tPeriod: \(policy["periodSeconds"].int ?? 0) seconds"
            )
        }
    }
}
