import Shared

extension Profile {
    /// Plugins that are always at work here and have nothing to set; configurations name them often.
    private static let fixed: Set<String> = ["PrioritySort", "DefaultBinder", "SchedulingGates", "DefaultPreemption"]
    /// Plugins of Kubernetes that this scheduler does not have; turning them off is fine.
    private static let absent: Set<String> = ["NodeVolumeLimits", "DynamicResources", "NodeDeclaredFeatures"]

    /// Reads one entry of `profiles`.
    init(_ json: JSON) throws(UsageError) {
        self.init(json["schedulerName"].string ?? Scheduler.name)
        if name.isEmpty { throw UsageError("schedulerName of a profile must not be empty") }
        for (key, _) in json.members
        where !["schedulerName", "plugins", "pluginConfig", "percentageOfNodesToScore"].contains(key) {
            throw UsageError("profile \(name) has the field \(key), which is not supported; remove it")
        }
        for item in json["pluginConfig"].items { try configure(item["name"].string ?? "", item["args"]) }
        let (allFilters, allScores) = (filters, scores)
        let plugins = json["plugins"]
        for (point, _) in plugins.members {
            // Filters and scores stand for all that a plugin does; other points cannot be changed on their own.
            guard ["multiPoint", "filter", "score", "preFilter", "preScore", "postFilter"].contains(point) else {
                throw UsageError("profile \(name) sets plugins.\(point), which cannot be changed here; remove it")
            }
        }
        for point in ["multiPoint", "filter", "score", "postFilter"] {
            let set = plugins[point]
            let (filtersToo, scoresToo) = (
                point != "score" && point != "postFilter", point == "multiPoint" || point == "score"
            )
            for item in set["disabled"].items {
                let plugin = item["name"].string ?? ""
                try check(plugin, isWanted: false)
                let isHit: (String) -> Bool = { plugin == "*" || $0 == plugin }
                if filtersToo { filters.removeAll { isHit($0.name) } }
                if scoresToo { scores.removeAll { isHit($0.name) } }
                if point == "multiPoint" || point == "postFilter", isHit("DefaultPreemption") { preempts = false }
            }
            for item in set["enabled"].items {
                let plugin = item["name"].string ?? ""
                try check(plugin, isWanted: true)
                if plugin == "DefaultPreemption" { preempts = true }
                if filtersToo, let filter = allFilters.first(where: { $0.name == plugin }) {
                    filters.removeAll { $0.name == plugin }
                    filters.append(filter)
                }
                guard scoresToo, var score = allScores.first(where: { $0.name == plugin }) else { continue }
                if !item["weight"].isNull {
                    score.weight = try SchedulerConfiguration.number(
                        item["weight"], "weight of \(plugin)", in: 0...1_000_000)
                    if score.weight == 0 { score.weight = 1 }
                }
                scores.removeAll { $0.name == plugin }
                scores.append(score)
            }
        }
        // Whatever the order in the file, the first filter that refuses gives the reason in Kubernetes's order.
        let order = allFilters.map(\.name)
        filters.sort { (order.firstIndex(of: $0.name) ?? 0) < (order.firstIndex(of: $1.name) ?? 0) }
    }

    private func check(_ plugin: String, isWanted: Bool) throws(UsageError) {
        let known =
            Profile.fixed.contains(plugin) || Filter.standard.contains { $0.name == plugin }
            || Score.standard.contains { $0.name == plugin }
        if known || (!isWanted && (plugin == "*" || Profile.absent.contains(plugin))) { return }
        throw UsageError("profile \(name) names the plugin \(plugin), which this scheduler does not have; remove it")
    }

    // MARK: Arguments of plugins

    private mutating func configure(_ plugin: String, _ args: JSON) throws(UsageError) {
        func only(_ keys: String...) throws(UsageError) {
            for (key, _) in args.members where !keys.contains(key) && key != "kind" && key != "apiVersion" {
                throw UsageError(
                    "profile \(name): the argument \(key) of \(plugin) is not supported; remove it")
            }
        }
        switch plugin {
        case "NodeResourcesFit":
            try only("scoringStrategy")
            let strategy = args["scoringStrategy"]
            guard !strategy.isNull else { return }
            let resources = try Profile.resources(strategy["resources"])
            replace(.resources(try Profile.strategy(strategy), resources))
        case "NodeResourcesBalancedAllocation":
            try only("resources")
            replace(.balance(try Profile.resources(args["resources"])))
        case "InterPodAffinity":
            try only("hardPodAffinityWeight")
            guard !args["hardPodAffinityWeight"].isNull else { return }
            hardAffinityWeight = try SchedulerConfiguration.number(
                args["hardPodAffinityWeight"], "hardPodAffinityWeight", in: 0...100)
        case "PodTopologySpread":
            try only("defaultConstraints", "defaultingType")
            guard args["defaultingType"].string == "List" else { return }
            isSystemSpread = false
            defaultSpread = args["defaultConstraints"].items.map {
                SpreadDefault(
                    topologyKey: $0["topologyKey"].string ?? "", maxSkew: $0["maxSkew"].int ?? 1,
                    isRequired: $0["whenUnsatisfiable"].string != "ScheduleAnyway")
            }
        case "DefaultPreemption":
            try only("minCandidateNodesPercentage", "minCandidateNodesAbsolute")
            if !args["minCandidateNodesPercentage"].isNull {
                preemptionNodesPercent = try SchedulerConfiguration.number(
                    args["minCandidateNodesPercentage"], "minCandidateNodesPercentage", in: 0...100)
            }
            if !args["minCandidateNodesAbsolute"].isNull {
                preemptionNodesMin = try SchedulerConfiguration.number(
                    args["minCandidateNodesAbsolute"], "minCandidateNodesAbsolute", in: 0...1_000_000)
            }
        default:
            throw UsageError(
                "profile \(name) has arguments for \(plugin), which takes none in this scheduler; remove them")
        }
    }

    private mutating func replace(_ score: Score) {
        scores = scores.map { $0.name == score.name ? score : $0 }
    }

    private static func resources(_ json: JSON) throws(UsageError) -> [ResourceWeight] {
        if json.items.isEmpty { return ResourceWeight.standard }
        var result: [ResourceWeight] = []
        for item in json.items {
            let weight =
                item["weight"].isNull
                ? 1 : try SchedulerConfiguration.number(item["weight"], "weight of a resource", in: 1...100)
            result.append(ResourceWeight(name: item["name"].string ?? "", weight: weight))
        }
        return result
    }

    private static func strategy(_ json: JSON) throws(UsageError) -> Score.Strategy {
        switch json["type"].string ?? "LeastAllocated" {
        case "LeastAllocated": return .leastAllocated
        case "MostAllocated": return .mostAllocated
        case "RequestedToCapacityRatio":
            var points: [(utilization: Int, value: Int)] = []
            for item in json.at("requestedToCapacityRatio", "shape").items {
                let utilization = try SchedulerConfiguration.number(item["utilization"], "utilization", in: 0...100)
                let value = try SchedulerConfiguration.number(item["score"], "score", in: 0...10)
                if let last = points.last, last.utilization >= utilization {
                    throw UsageError("the points of requestedToCapacityRatio.shape must have rising utilization")
                }
                points.append((utilization, value * 10))
            }
            if points.isEmpty { throw UsageError("requestedToCapacityRatio.shape needs at least one point") }
            return .curve(points)
        case let other:
            throw UsageError(
                "the scoring strategy \(other) is not known; use LeastAllocated, MostAllocated or RequestedToCapacityRatio"
            )
        }
    }
}
