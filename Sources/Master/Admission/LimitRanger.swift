import Shared

extension AdmissionPlugin {
    /// Gives containers the requests and limits that the namespace's limit ranges name for them.
    ///
    /// - Parameter ranges: the stored limit ranges of a namespace, sorted by name.
    /// Source: plugin/pkg/admission/limitranger.
    static func limitDefaults(ranges: @escaping @Sendable (_ namespace: String) -> [JSON]) -> Self {
        AdmissionPlugin(name: "LimitRanger") { call throws(Status) in
            guard call.operation == .create, call.concerns("pods") else { return }
            for range in ranges(call.namespace) { LimitRanges.fill(&call.object, from: range) }
        }
    }

    /// Refuses pods and claims whose amounts lie outside the namespace's limit ranges.
    static func limits(ranges: @escaping @Sendable (_ namespace: String) -> [JSON]) -> Self {
        AdmissionPlugin(name: "LimitRanger", phase: .validating) { call throws(Status) in
            let isPod = call.operation == .create && call.concerns("pods")
            let isClaim = call.operation != .delete && call.concerns("persistentvolumeclaims")
            guard isPod || isClaim else { return }
            // An object that is going away is not held up.
            if call.operation == .update, Object(call.old).metadata.isDeleting { return }
            var problems: [String] = []
            for range in ranges(call.namespace) {
                problems += isPod ? LimitRanges.problems(pod: call.object, range) : []
                problems += isClaim ? LimitRanges.problems(claim: call.object, range) : []
                if !problems.isEmpty { break }
            }
            guard let first = problems.first else { return }
            throw call.forbidden(problems.count == 1 ? first : "[\(problems.joined(separator: ", "))]")
        }
    }
}

/// The rules of a `LimitRange`. Pure.
enum LimitRanges {
    private typealias Amounts = [String: Quantity]

    /// Sets missing requests and limits of a pod's containers and notes that in an annotation.
    static func fill(_ pod: inout JSON, from range: JSON) {
        guard let limit = range["spec"]["limits"].items.first(where: { $0["type"] == "Container" }) else { return }
        var notes: [String] = []
        for (list, what) in [("containers", "container"), ("initContainers", "init container")] {
            guard case .array(var containers) = pod["spec"][list] else { continue }
            for index in containers.indices {
                let name = containers[index]["name"].string ?? ""
                let requests = fill(&containers[index], "requests", from: limit["defaultRequest"])
                let limits = fill(&containers[index], "limits", from: limit["default"])
                if !requests.isEmpty { notes.append("\(requests.joined(separator: ", ")) request for \(what) \(name)") }
                if !limits.isEmpty { notes.append("\(limits.joined(separator: ", ")) limit for \(what) \(name)") }
            }
            pod["spec"][list] = .array(containers)
        }
        if !notes.isEmpty {
            pod["metadata"]["annotations"]["kubernetes.io/limit-ranger"] = .string(
                "LimitRanger plugin set: " + notes.joined(separator: "; "))
        }
    }

    /// The names of the amounts that were missing.
    private static func fill(_ container: inout JSON, _ list: String, from defaults: JSON) -> [String] {
        var filled: [String] = []
        for (name, amount) in defaults.members.sorted() where container["resources"][list][name].isNull {
            container["resources"][list][name] = amount
            filled.append(name)
        }
        return filled
    }

    /// What of a new pod is outside the range, in the order of the range's items.
    static func problems(pod: JSON, _ range: JSON) -> [String] {
        var problems: [String] = []
        for limit in range["spec"]["limits"].items {
            switch limit["type"].string {
            case "Container":
                for list in ["containers", "initContainers"] {
                    for container in pod["spec"][list].items {
                        let resources = container["resources"]
                        problems += check(
                            limit, "Container", resources["requests"].quantities, resources["limits"].quantities)
                    }
                }
            case "Pod":
                problems += check(
                    limit, "Pod", PodAmounts.sum(pod["spec"], "requests", overhead: false),
                    PodAmounts.sum(pod["spec"], "limits", overhead: false))
            default: break
            }
        }
        return problems
    }

    /// What of a claim is outside the range.
    static func problems(claim: JSON, _ range: JSON) -> [String] {
        var problems: [String] = []
        let requests = claim["spec"]["resources"]["requests"].quantities
        for limit in range["spec"]["limits"].items where limit["type"] == "PersistentVolumeClaim" {
            for (name, least) in limit["min"].quantities.sorted(by: { $0.key < $1.key }) {
                problems += atLeast(name, "PersistentVolumeClaim", least, requests, [:])
            }
            for (name, most) in limit["max"].quantities.sorted(by: { $0.key < $1.key }) {
                let head = "maximum \(name) usage per PersistentVolumeClaim is \(most)"
                if let request = requests[name] {
                    if request > most { problems.append("\(head), but request is \(request)") }
                } else {
                    problems.append("\(head).  No request is specified")
                }
            }
        }
        return problems
    }

    private static func check(_ limit: JSON, _ type: String, _ requests: Amounts, _ limits: Amounts) -> [String] {
        var problems: [String] = []
        for (name, least) in limit["min"].quantities.sorted(by: { $0.key < $1.key }) {
            problems += atLeast(name, type, least, requests, limits)
        }
        for (name, most) in limit["max"].quantities.sorted(by: { $0.key < $1.key }) {
            let head = "maximum \(name) usage per \(type) is \(most)"
            if let limit = limits[name] {
                if limit > most {
                    problems.append("\(head), but limit is \(limit)")
                } else if let request = requests[name], request > most {
                    problems.append("\(head), but request is \(request)")
                }
            } else {
                problems.append("\(head).  No limit is specified")
            }
        }
        for (name, most) in limit["maxLimitRequestRatio"].quantities.sorted(by: { $0.key < $1.key }) {
            problems += ratio(name, type, most, requests[name], limits[name])
        }
        return problems
    }

    private static func atLeast(
        _ name: String, _ type: String, _ least: Quantity, _ requests: Amounts, _ limits: Amounts
    ) -> [String] {
        let head = "minimum \(name) usage per \(type) is \(least)"
        guard let request = requests[name] else { return ["\(head).  No request is specified"] }
        if request < least { return ["\(head), but request is \(request)"] }
        if let limit = limits[name], limit < least { return ["\(head), but limit is \(limit)"] }
        return []
    }

    private static func ratio(
        _ name: String, _ type: String, _ most: Quantity, _ request: Quantity?, _ limit: Quantity?
    ) -> [String] {
        let head = "\(name) max limit to request ratio per \(type) is \(most)"
        guard let request, !request.isZero else { return ["\(head), but no request is specified or request is 0"] }
        guard let limit, !limit.isZero else { return ["\(head), but no limit is specified or limit is 0"] }
        let found = limit.double / request.double
        return found > most.double ? ["\(head), but provided ratio is \(GoNumber.fixed(found, digits: 6))"] : []
    }
}

/// Numbers as Go prints them.
enum GoNumber {
    /// `%.Nf` of a number that is not negative.
    static func fixed(_ number: Double, digits: Int) -> String {
        guard number.isFinite, number >= 0, number < 9e12 else { return number > 0 ? "+Inf" : "NaN" }
        var scale = 1
        for _ in 0..<digits { scale *= 10 }
        let scaled = Int((number * Double(scale)).rounded())
        let fraction = String(scaled % scale)
        return "\(scaled / scale)." + String(repeating: "0", count: digits - fraction.count) + fraction
    }
}
