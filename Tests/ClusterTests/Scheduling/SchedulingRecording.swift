import Glibc
import Shared
import TestKit

/// What a real scheduler did: a line of `../shared/golden/scheduler.jsonl`, whose README tells more.
struct SchedulingRecording: Sendable, CustomStringConvertible {
    static let file = "golden/scheduler.jsonl"
    /// Stands for a unique word in names.
    static let word = "x1"

    let json: JSON
    var id: String { json["id"].string ?? "" }
    var mode: String { json["mode"].string ?? "" }
    var observed: JSON { json["observed"] }
    /// Keys of `observed` that differed between two recordings.
    var unstable: Set<String> { Set(json["unstable"].items.compactMap(\.string)) }
    /// Later versions of Kubernetes do something else.
    var isOutdated: Bool { json["only120"].bool ?? false }
    var description: String { "\(id) \(json["about"].string ?? "")" }

    /// All recordings in the folder, or in the file that `KOTOHAJIME_SCHEDULER_RECORDINGS` names; none where it is absent.
    static func all() -> [SchedulingRecording] {
        let named = getenv("KOTOHAJIME_SCHEDULER_RECORDINGS").map { String(cString: $0) }
        guard named != nil || SharedData.has(file) else { return [] }
        return Golden.lines(ofFileAt: named ?? "\(SharedData.folder)/\(file)").map(SchedulingRecording.init(raw:))
    }

    /// - Parameter raw: with `$S` in its names.
    init(raw: JSON) {
        let text = raw.text.replacing("$S", with: SchedulingRecording.word)
        self.init(json: (try? JSON(parsing: Array(text.utf8))) ?? raw)
    }
    init(json: JSON) { self.json = json }

    /// The sentence that a later version says where 1.20 said `message`.
    static func modern(_ message: String) -> String {
        guard let colon = message.firstRange(of: ": "), message.hasPrefix("0/") else { return message }
        let head = message[..<colon.upperBound]
        var parts = message[colon.upperBound...].dropLast().replacing(", that the pod didn't tolerate", with: "")
            .split(separator: ", ").map(String.init)
        // The general reason beside the precise one is gone.
        parts.removeAll { $0.hasSuffix("node(s) didn't match pod affinity/anti-affinity") }
        parts = parts.map { part in
            // What holds for the pod and not for a node is no longer counted by nodes.
            let reason = part.drop { $0.isNumber }.dropFirst()
            if reason.hasPrefix("pod has unbound immediate") || reason.hasPrefix("persistentvolumeclaim ") {
                return String(reason)
            }
            var changed = part.replacing("node(s) had taint {", with: "node(s) had untolerated taint {")
            if changed.hasSuffix("didn't match Pod's node affinity") { changed += "/selector" }
            return changed
        }
        return head + parts.sorted().joined(separator: ", ") + "."
    }

    /// A sentence of today without what preemption came to, which 1.20 did not tell.
    static func withoutPreemption(_ message: String) -> String {
        guard let range = message.firstRange(of: " preemption: ") else { return message }
        return String(message[..<range.lowerBound])
    }
}
