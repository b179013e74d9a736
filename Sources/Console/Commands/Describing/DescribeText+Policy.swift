import Shared

/// What limits and protects: budgets, quotas, limit ranges, priorities.
extension DescribeText {
    mutating func disruptionBudget(_ object: JSON) {
        let spec = object["spec"], status = object["status"]
        let metadata = Object(object).metadata
        line(0, "Name:\t\(metadata.name)")
        line(0, "Namespace:\t\(metadata.namespace)")
        if !spec["minAvailable"].isNull {
            line(0, "Min available:\t\(ServerTable.text(spec["minAvailable"]))")
        } else if !spec["maxUnavailable"].isNull {
            line(0, "Max unavailable:\t\(ServerTable.text(spec["maxUnavailable"]))")
        }
        line(0, "Selector:\t\(spec["selector"].isNull ? "<unset>" : DescribeText.selector(spec["selector"]))")
        line(0, "Status:")
        for (title, key) in [
            ("Allowed disruptions", "disruptionsAllowed"), ("Current", "currentHealthy"), ("Desired", "desiredHealthy"),
            ("Total", "expectedPods"),
        ] { line(2, "\(title):\t\(status[key].int ?? 0)") }
    }

    mutating func quota(_ object: JSON) {
        let metadata = Object(object).metadata
        line(0, "Name:\t\(metadata.name)")
        line(0, "Namespace:\t\(metadata.namespace)")
        quotaBody(object, level: 0, mark: " ", rule: "----")
    }

    /// The scopes of a quota and what is used of it. Level and marks differ where it stands below its namespace.
    mutating func quotaBody(_ object: JSON, level: Int, mark: String, rule: String) {
        let scopes = object.at("spec", "scopes").items.compactMap(\.string).sorted()
        if !scopes.isEmpty {
            line(level, "Scopes:\t\(scopes.joined(separator: ", "))")
            for scope in scopes {
                if let text = DescribeText.scopes[scope] { line(level, "\(mark)* \(text)") }
            }
        }
        line(level, "Resource\tUsed\tHard")
        line(level, "--------\t\(rule)\t\(rule)")
        for (name, hard) in object.at("status", "hard").members.sorted() {
            let used = object.at("status", "used")[name]
            line(level, "\(name)\t\(used.isNull ? "0" : ServerTable.text(used))\t\(ServerTable.text(hard))")
        }
    }

    /// What each scope of a quota matches, in kubectl's words.
    private static let scopes = [
        "Terminating":
            "Matches all pods that have an active deadline. These pods have a limited lifespan on a node before being actively terminated by the system.",
        "NotTerminating":
            "Matches all pods that do not have an active deadline. These pods usually include long running pods whose container command is not expected to terminate.",
        "BestEffort":
            "Matches all pods that do not have resource requirements set. These pods have a best effort quality of service.",
        "NotBestEffort":
            "Matches all pods that have at least one resource requirement set. These pods have a burstable or guaranteed quality of service.",
    ]

    mutating func limitRange(_ object: JSON) {
        let metadata = Object(object).metadata
        line(0, "Name:\t\(metadata.name)")
        line(0, "Namespace:\t\(metadata.namespace)")
        line(0, "Type\tResource\tMin\tMax\tDefault Request\tDefault Limit\tMax Limit/Request Ratio")
        line(0, "----\t--------\t---\t---\t---------------\t-------------\t-----------------------")
        limits(object, prefix: "")
    }

    mutating func limits(_ object: JSON, prefix: String) {
        let parts = ["min", "max", "defaultRequest", "default", "maxLimitRequestRatio"]
        for limit in object.at("spec", "limits").items {
            let names = Set(parts.flatMap { limit[$0].members.map(\.key) }).sorted()
            for name in names {
                let cells = parts.map { limit[$0][name].isNull ? "-" : ServerTable.text(limit[$0][name]) }
                line(0, "\(prefix)\(limit["type"].string ?? "")\t\(name)\t\(cells.joined(separator: "\t"))")
            }
        }
    }

    mutating func priorityClass(_ object: JSON) {
        let metadata = Object(object).metadata
        line(0, "Name:\t\(metadata.name)")
        line(0, "Value:\t\(object["value"].int ?? 0)")
        line(0, "GlobalDefault:\t\(object["globalDefault"].bool ?? false)")
        line(0, "PreemptionPolicy:\t\(object["preemptionPolicy"].string ?? "PreemptLowerPriority")")
        line(0, "Description:\t\(object["description"].string ?? "")")
        line(0, "Annotations:\t\(Labels.line(metadata.annotations))")
    }
}
