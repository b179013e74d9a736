import Shared

extension AdmissionPlugin {
    /// Holds pods to the pod security level that their namespace's labels name: refuses what violates `enforce`, and
    /// warns of what violates `warn`. Source: `k8s.io/pod-security-admission`.
    ///
    /// - Parameters:
    ///   - namespace: the stored namespace.
    ///   - pods: the pods of a namespace, looked at when its level is raised.
    static func podSecurity(
        namespace: @escaping @Sendable (String) -> JSON?, pods: @escaping @Sendable (_ namespace: String) -> [JSON]
    ) -> Self {
        AdmissionPlugin(name: "PodSecurity", phase: .validating) { call throws(Status) in
            guard call.operation == .create || call.operation == .update else { return }
            if call.concerns("namespaces") { return try checkLabels(&call, pods) }
            let isPod = call.resource.groupResource == Pod.type.resource
            guard isPod || call.subresource.isEmpty, let template = PodSecurity.template(call.object, call.resource)
            else { return }
            if isPod, !["", "ephemeralcontainers", "resize"].contains(call.subresource) { return }
            let labels = namespace(call.namespace)?["metadata"]["labels"] ?? .null
            let policy = PodSecurityPolicy(labels)
            guard !policy.isPrivileged else { return }
            if isPod, call.operation == .update, !PodSecurity.isSignificant(call.object, call.old) { return }
            if isPod, let why = policy.enforce.violations(of: template) {
                throw call.forbidden("violates PodSecurity \"\(policy.enforce)\": \(why)")
            }
            // A pod that is refused is not warned of as well.
            guard !isPod || policy.warn != policy.enforce, let why = policy.warn.violations(of: template) else {
                return
            }
            call.warnings.append("would violate PodSecurity \"\(policy.warn)\": \(why)")
        }
    }

    /// The labels of a namespace must be of this kind; a raised level is told about the pods that are there.
    private static func checkLabels(
        _ call: inout AdmissionCall, _ pods: @Sendable (_ namespace: String) -> [JSON]
    ) throws(Status) {
        let new = PodSecurityPolicy(call.object["metadata"]["labels"])
        let old = PodSecurityPolicy(call.old["metadata"]["labels"])
        if !new.errors.isEmpty, call.operation == .create || new.errors != old.errors {
            throw FieldError.status(new.errors, group: "", kind: "Namespace", name: call.name)
        }
        guard call.operation == .update, new.enforce != old.enforce, new.enforce.level != .privileged,
            !(new.enforce.version == old.enforce.version && new.enforce.level < old.enforce.level)
        else { return }
        var names: [String: [String]] = [:]
        for pod in pods(call.name).prefix(Limits.podSecurityPodsMax) {
            guard let why = new.enforce.violations(of: pod) else { continue }
            names[why, default: []].append(pod["metadata"]["name"].string ?? "")
        }
        guard !names.isEmpty else { return }
        call.warnings.append(
            "existing pods in namespace \"\(call.name)\" violate the new PodSecurity enforce level \"\(new.enforce)\"")
        for (why, pods) in names.sorted(by: { ($0.value.first ?? "") < ($1.value.first ?? "") }) {
            let first = pods.sorted().first ?? ""
            let others =
                switch pods.count {
                case 1: ""
                case 2: " (and 1 other pod)"
                default: " (and \(pods.count - 1) other pods)"
                }
            call.warnings.append("\(first)\(others): \(why)")
        }
    }
}

extension Limits {
    /// Pods of a namespace that are looked at when its level is raised. Source: `defaultNamespaceMaxPodsToCheck`.
    static let podSecurityPodsMax = 3_000
}

/// What the labels of a namespace say about pod security. Pure.
struct PodSecurityPolicy: Equatable {
    enum Level: String, Comparable, Sendable {
        case privileged, baseline, restricted
        private var rank: Int { self == .privileged ? 0 : self == .baseline ? 1 : 2 }
        static func < (left: Level, right: Level) -> Bool { left.rank < right.rank }
    }
    /// A level as some version of Kubernetes understands it.
    struct Standard: Equatable, CustomStringConvertible, Sendable {
        var level = Level.privileged
        /// The minor version; nil for the latest.
        var version: Int?
        var description: String { "\(level.rawValue):\(version.map { "v1.\($0)" } ?? "latest")" }

        /// What of a pod (or a template) this standard forbids, as one text; nil when nothing.
        func violations(of pod: JSON) -> String? {
            let found = PodSecurity.violations(pod, level, version: version ?? .max)
            return found.isEmpty ? nil : found.joined(separator: ", ")
        }
    }

    var enforce = Standard()
    var audit = Standard()
    var warn = Standard()
    /// Labels with values that are none.
    var errors: [FieldError] = []

    var isPrivileged: Bool { [enforce, audit, warn].allSatisfy { $0.level == .privileged } && errors.isEmpty }

    static func == (left: Self, right: Self) -> Bool {
        left.enforce == right.enforce && left.audit == right.audit && left.warn == right.warn
    }

    /// - Parameter labels: of a namespace. What does not parse counts as restricted when it enforces, else as privileged.
    init(_ labels: JSON) {
        enforce = standard(labels, "enforce", fallback: .restricted)
        audit = standard(labels, "audit", fallback: .privileged)
        warn = standard(labels, "warn", fallback: .privileged)
        // Without a warning level of its own a namespace warns of workloads whose pods it would refuse.
        if labels["pod-security.kubernetes.io/warn"].isNull, enforce.level > warn.level { warn = enforce }
    }

    private mutating func standard(_ labels: JSON, _ mode: String, fallback: Level) -> Standard {
        var standard = Standard()
        let levelKey = "pod-security.kubernetes.io/\(mode)"
        let versionKey = "\(levelKey)-version"
        if let text = labels[levelKey].string {
            if let level = Level(rawValue: text) {
                standard.level = level
            } else {
                standard.level = fallback
                note(levelKey, text, "must be one of privileged, baseline, restricted")
            }
        }
        if let text = labels[versionKey].string, text != "latest" {
            if text.hasPrefix("v1."), let minor = Int(text.dropFirst(3)), minor >= 0, text == "v1.\(minor)" {
                standard.version = minor
            } else {
                note(versionKey, text, "must be \"latest\" or \"v1.x\"")
            }
        }
        return standard
    }

    private mutating func note(_ key: String, _ value: String, _ detail: String) {
        errors.append(
            FieldError(reason: .invalid, field: "metadata.labels[\(key)]", value: value.goQuoted, detail: detail))
    }
}
