import Shared
import TestKit

/// One recorded scenario: requests one after another and what a real server answered.
struct GoldenScenario {
    /// What a scenario is about.
    enum Topic: String, CaseIterable {
        case patch, apply, validation, defaults, verbs, watch, crd
    }

    /// One thing that a scenario does.
    struct Step {
        let json: JSON
        var request: JSON { json["request"] }
        var response: JSON { json["response"] }
        /// The stream is read to its end.
        var isWatch: Bool { json["events"].bool ?? false }
    }

    let id: String
    let topic: Topic
    let about: String
    let steps: [Step]
    /// Why newer servers answer otherwise; empty for what they all have in common.
    let only120: [String]
    /// Controllers write to the objects as well.
    let settles: Bool
    private let showsManagedFields: Bool
    private let ignored: [String]

    init?(_ json: JSON) {
        guard let id = json["id"].string, let topic = json["topic"].string.flatMap(Topic.init(rawValue:)) else {
            return nil
        }
        self.id = id
        self.topic = topic
        about = json["about"].string ?? ""
        steps = json["steps"].items.enumerated().map { Step(json: GoldenScenario.named($1, number: $0)) }
        var reasons = json["only120"].bool ?? false ? json["only120Why"].items.map(\.text) : []
        if let change = GoldenVersions.changed[id] { reasons.append(change) }
        for step in steps {
            if let why = GoldenVersions.outdated(step.response["body"]["message"].string ?? "") { reasons.append(why) }
        }
        only120 = reasons
        showsManagedFields = json["managedFields"].bool ?? false
        ignored = json["ignore"].items.compactMap(\.string)
        settles = json["settle"].bool ?? false
    }

    /// A step in which a generated name is a token also where the recorder took it for a fixed one.
    private static func named(_ step: JSON, number: Int) -> JSON {
        guard let given = step["request"]["body"]["metadata"]["generateName"].string, !given.isEmpty else {
            return step
        }
        let fill = given.split(separator: ":")
        let base =
            given.hasPrefix("<fill:") && fill.count == 3 ? String(repeating: String(fill[1]), count: 58) : given
        var named = step
        named["response"] = replaced(step["response"]) { text in
            guard let place = text.firstRange(of: base) else { return text }
            let suffix = text[place.upperBound...].prefix(5)
            let next = text[suffix.endIndex...].first
            guard suffix.count == 5, !(next?.isLetter ?? false),
                suffix.allSatisfy({ "bcdfghjklmnpqrstvwxz2456789".contains($0) })
            else {
                return text
            }
            return text.replacing(base + suffix, with: "\(base)<rand:\(900 + number)>")
        }
        return named
    }
    private static func replaced(_ json: JSON, _ change: (String) -> String) -> JSON {
        switch json {
        case .string(let text): .string(change(text))
        case .array(let items): .array(items.map { replaced($0, change) })
        case .object(let members): .object(JSON.Members(members.map { ($0.key, replaced($0.value, change)) }))
        default: json
        }
    }

    /// All scenarios of the recordings.
    static let all = Golden.lines("api.jsonl").compactMap(GoldenScenario.init)

    /// Whether the scenario waits for what controllers do.
    var needsControllers: Bool {
        settles || steps.contains { !$0.json["until"].isNull || !$0.json["sleep"].isNull && !$0.isWatch }
    }

    /// A body without what the scenario does not look at.
    func reduced(_ json: JSON, at path: String = "") -> JSON {
        switch json {
        case .array(let items): return .array(items.map { reduced($0, at: path) })
        case .object(let members):
            var result = JSON.Members()
            for (key, value) in members {
                let place = path.isEmpty ? key : "\(path).\(key)"
                if ignored.contains(where: { place == $0 || place.hasSuffix(".\($0)") }) { continue }
                if place.hasSuffix("metadata.managedFields") {
                    let entries = value.items.filter { !GoldenScenario.isController($0["manager"].string ?? "") }
                    // Their order depends on whether a second passed between two requests.
                    let sorted = entries.map { ("\($0["manager"].text) \($0["operation"].text)", $0) }
                        .sorted { $0.0 < $1.0 }.map(\.1)
                    if showsManagedFields, !entries.isEmpty { result.append(key, .array(sorted)) }
                } else {
                    result.append(key, reduced(value, at: place))
                }
            }
            return .object(result)
        default: return json
        }
    }

    private static func isController(_ manager: String) -> Bool {
        manager.hasPrefix("kube-") || manager.hasSuffix("-controller")
    }
}
