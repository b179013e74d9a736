import Shared

/// `0/3 nodes are available: 1 node(s) had untolerated taint {a: b}, 2 Insufficient cpu. preemption: …` taken apart and
/// told in plain words. Pure. Source: kube-scheduler `framework.FitError`.
struct SchedulerMessage: Equatable, Sendable {
    struct Part: Equatable, Sendable {
        let nodes: Int
        /// As the scheduler says it.
        let reason: String
    }
    var fitting = 0
    var all = 0
    var parts: [Part] = []

    init?(_ text: String) {
        guard let slash = text.firstIndex(of: "/"), let fitting = Int(text[..<slash]) else { return nil }
        let rest = text[text.index(after: slash)...]
        let digits = rest.prefix { $0.isASCII && $0.isNumber }
        guard let all = Int(digits), let colon = rest.firstRange(of: "nodes are available: ") else { return nil }
        self.fitting = fitting
        self.all = all
        var body = rest[colon.upperBound...]
        if let end = body.firstRange(of: ". preemption:") { body = body[..<end.lowerBound] }
        for piece in SchedulerMessage.pieces(body) {
            let number = piece.prefix { $0.isASCII && $0.isNumber }
            guard let count = Int(number) else { continue }
            let reason = piece.dropFirst(number.count).drop { $0 == " " }
            parts.append(
                Part(nodes: count, reason: reason.hasPrefix("node(s) ") ? String(reason.dropFirst(8)) : String(reason)))
        }
    }

    /// Parts between commas that stand in no braces; the last full stop goes.
    private static func pieces(_ text: Substring) -> [Substring] {
        var found: [Substring] = []
        var depth = 0
        var start = text.startIndex
        for index in text.indices {
            switch text[index] {
            case "{": depth += 1
            case "}": depth -= 1
            case "," where depth <= 0:
                found.append(text[start..<index])
                start = text.index(after: index)
            default: break
            }
        }
        found.append(text[start...])
        return found.map { piece in
            var piece = piece.drop { $0 == " " }
            while piece.last == "." || piece.last == " " { piece.removeLast() }
            return piece
        }
    }

    /// What a reason means, with what would help.
    static func plain(_ part: Part) -> (text: String, advice: String) {
        let nodes = TextFit.count(part.nodes, "node")
        let reason = part.reason
        func tail(_ prefix: String) -> String { String(reason.dropFirst(prefix.count)) }
        if reason.hasPrefix("Insufficient ") {
            let what = tail("Insufficient ")
            return (
                "\(nodes): too little \(what) is left", "ask for less \(what), scale something down, or add a node"
            )
        }
        if reason == "Too many pods" {
            return ("\(nodes): no place for another pod", "add a node or raise its pod limit")
        }
        if reason.hasPrefix("had untolerated taint ") {
            return (
                "\(nodes): taint \(tail("had untolerated taint ")) keeps pods off", "tolerate the taint, or remove it"
            )
        }
        if reason.hasPrefix("had taint ") {
            return ("\(nodes): \(tail("had "))", "tolerate the taint, or remove it")
        }
        if reason.hasPrefix("were unschedulable") {
            return ("\(nodes): cordoned", "uncordon the node when it may take pods")
        }
        if reason.hasPrefix("didn't match Pod's node affinity") || reason.hasPrefix("didn't match node selector") {
            return (
                "\(nodes): not of the kind that the pod asks for (node selector or affinity)",
                "label a node, or change the selector"
            )
        }
        if reason.hasPrefix("didn't match pod anti-affinity") {
            return (
                "\(nodes): has a pod that this one must not stand beside", "add a node, or soften the anti-affinity"
            )
        }
        if reason.hasPrefix("didn't match pod affinity") {
            return ("\(nodes): lacks the pod that this one must stand beside", "start that pod first")
        }
        if reason.hasPrefix("didn't match pod topology spread") {
            return (
                "\(nodes): the spread over zones or nodes would become uneven", "add a node, or allow a larger skew"
            )
        }
        if reason.hasPrefix("didn't have free ports") {
            return ("\(nodes): the host port is taken", "use a Service in place of a host port")
        }
        if reason.hasPrefix("had volume node affinity conflict") {
            return ("\(nodes): the pod's volume is somewhere else", "let the pod run where its volume is")
        }
        if reason.contains("unbound immediate PersistentVolumeClaims") || reason.hasPrefix("pod has unbound") {
            return ("a volume that it asks for is not there yet", "look at its persistent volume claims")
        }
        return ("\(nodes): \(reason)", "")
    }
}
