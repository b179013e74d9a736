import Shared

/// What `--scheduler-config FILE` says: `KubeSchedulerConfiguration` of `kubescheduler.config.k8s.io/v1`, as far as it
/// concerns how pods are placed. What this scheduler does not have is refused, not passed over.
struct SchedulerConfiguration: Sendable {
    var profiles = [Profile.standard]
    var firstBackoff = Duration.seconds(1)
    var mostBackoff = Duration.seconds(10)

    init() {}

    /// - Throws: `UsageError` with one sentence.
    init(_ json: JSON) throws(UsageError) {
        guard json["kind"].string == "KubeSchedulerConfiguration",
            json["apiVersion"].string == "kubescheduler.config.k8s.io/v1"
        else {
            throw UsageError(
                "the scheduler configuration must be of kind KubeSchedulerConfiguration and apiVersion kubescheduler.config.k8s.io/v1"
            )
        }
        for (key, value) in json.members {
            switch key {
            case "kind", "apiVersion", "leaderElection", "clientConnection", "enableProfiling",
                "enableContentionProfiling", "parallelism", "delayCacheUntilActive":
                // They steer a process of its own; here the scheduler is part of the master.
                continue
            case "percentageOfNodesToScore": continue
            case "podInitialBackoffSeconds":
                firstBackoff = .seconds(try SchedulerConfiguration.number(value, key, in: 1...86_400))
            case "podMaxBackoffSeconds":
                mostBackoff = .seconds(try SchedulerConfiguration.number(value, key, in: 1...86_400))
            case "profiles": continue
            default:
                throw UsageError("the scheduler configuration has the field \(key), which is not supported; remove it")
            }
        }
        if mostBackoff < firstBackoff {
            throw UsageError("podMaxBackoffSeconds must not be less than podInitialBackoffSeconds")
        }
        let share = json["percentageOfNodesToScore"]
        let percent =
            share.isNull ? 0 : try SchedulerConfiguration.number(share, "percentageOfNodesToScore", in: 0...100)
        guard !json["profiles"].items.isEmpty else {
            profiles[0].searchedPercent = percent
            return
        }
        profiles = []
        for item in json["profiles"].items {
            var profile = try Profile(item)
            let own = item["percentageOfNodesToScore"]
            profile.searchedPercent =
                own.isNull ? percent : try SchedulerConfiguration.number(own, "percentageOfNodesToScore", in: 0...100)
            if profiles.contains(where: { $0.name == profile.name }) {
                throw UsageError("two profiles have the schedulerName \(profile.name); give each its own")
            }
            profiles.append(profile)
        }
    }

    /// Reads YAML or JSON.
    init(parsing bytes: [UInt8], file: String) throws(UsageError) {
        guard bytes.count <= Limits.schedulerConfigurationBytesMax else {
            throw UsageError("\(file) is larger than 1 MiB, which is no scheduler configuration")
        }
        let documents: [YAMLDocument]
        do { documents = try YAML.parse(bytes, file: file) } catch {
            throw UsageError("\(file) cannot be read: \(error)")
        }
        let contents = documents.filter { !$0.isEmpty }
        guard contents.count == 1, let only = contents.first else {
            throw UsageError("\(file) must hold one KubeSchedulerConfiguration, not \(contents.count) documents")
        }
        try self.init(only.value)
    }

    static func number(_ value: JSON, _ name: String, in range: ClosedRange<Int>) throws(UsageError) -> Int {
        guard let number = value.int, range.contains(number) else {
            throw UsageError(
                "\(name) must be a whole number from \(range.lowerBound) to \(range.upperBound), not \(value)")
        }
        return number
    }
}
