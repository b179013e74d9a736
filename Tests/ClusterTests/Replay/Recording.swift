import Glibc
import Shared
import TestKit

/// What real controllers did, step by step: a line of `../shared/golden/controllers.jsonl`, whose README tells more.
struct Recording: Sendable, CustomStringConvertible {
    static let file = "controllers.jsonl"

    struct Step: Sendable {
        let actions: [JSON]
        /// Kind, or `events`, → the objects in their normal form.
        let observed: JSON
        /// Answers outside 2xx, and all answers to evictions.
        let results: [JSON]
    }
    let id: String
    let topic: String
    let about: String
    let isAutomatic: Bool
    /// Later versions of Kubernetes do something else.
    let isOutdated: Bool
    /// Kinds whose outcome differed between two recordings.
    let unstable: Set<String>
    let steps: [Step]

    init(_ json: JSON) {
        id = json["id"].string ?? ""
        topic = json["topic"].string ?? ""
        about = json["about"].string ?? ""
        isAutomatic = json["auto"].bool ?? true
        // An annotation that was given up for `publishNotReadyAddresses` (1.24).
        isOutdated =
            json["only120"].bool ?? false || json["steps"].text.contains("kubernetes.io/tolerate-unready-endpoints")
        unstable = Set(json["unstable"].items.compactMap(\.string))
        steps = json["steps"].items.map {
            Step(actions: $0["action"].items, observed: $0["observed"], results: $0["results"].items)
        }
    }

    /// One operation changes the state of several pods.
    var changesManyPods: Bool {
        steps.contains { $0.actions.contains { ["tick", "pods"].contains($0["op"].string ?? "") } }
    }

    var description: String { "\(id) \(about)" }

    /// All recordings in the folder, or in the file that `KOTOHAJIME_CONTROLLER_RECORDINGS` names; none where it is
    /// absent.
    static func all() -> [Recording] {
        let named = getenv("KOTOHAJIME_CONTROLLER_RECORDINGS").map { String(cString: $0) }
        return (named.map(Golden.lines(ofFileAt:)) ?? Golden.lines(file)).map(Recording.init)
    }
}
