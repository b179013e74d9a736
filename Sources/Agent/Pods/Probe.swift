import Shared

/// How a container is asked whether it is well. Source: core/v1 `Probe`.
struct Probe: Equatable, Sendable {
    enum Kind: String, Sendable, CaseIterable {
        case startup = "startupProbe"
        case liveness = "livenessProbe"
        case readiness = "readinessProbe"
        /// As events name it.
        var label: String {
            switch self {
            case .startup: "Startup"
            case .liveness: "Liveness"
            case .readiness: "Readiness"
            }
        }
    }
    enum Action: Equatable, Sendable {
        case exec([String])
        case http(scheme: String, host: String, port: JSON, path: String, headers: [String])
        case tcp(host: String, port: JSON)
        case unsupported(String)
    }
    let kind: Kind
    let action: Action
    var delay = Duration.zero
    var period = Duration.seconds(10)
    var timeout = Duration.seconds(1)
    var successThreshold = 1
    var failureThreshold = 3

    init(_ json: JSON, kind: Kind) {
        self.kind = kind
        func seconds(_ key: String, _ fallback: Int, least: Int) -> Duration {
            .seconds(min(max(json[key].int ?? fallback, least), 1_000_000))
        }
        delay = seconds("initialDelaySeconds", 0, least: 0)
        period = seconds("periodSeconds", 10, least: 1)
        timeout = seconds("timeoutSeconds", 1, least: 1)
        successThreshold = max(1, json["successThreshold"].int ?? 1)
        failureThreshold = max(1, json["failureThreshold"].int ?? 3)
        action = Action(json)
    }
}

extension Probe.Action {
    /// Also reads the handlers of lifecycle hooks, which have the same form.
    init(_ json: JSON) {
        if json["exec"].object != nil {
            self = .exec(json["exec"]["command"].items.compactMap(\.string))
        } else if json["httpGet"].object != nil {
            let get = json["httpGet"]
            var path = get["path"].string ?? "/"
            if !path.hasPrefix("/") { path = "/" + path }
            self = .http(
                scheme: get["scheme"].string ?? "HTTP", host: get["host"].string ?? "", port: get["port"], path: path,
                headers: get["httpHeaders"].items.flatMap { [$0["name"].string ?? "", $0["value"].string ?? ""] })
        } else if json["tcpSocket"].object != nil {
            self = .tcp(host: json["tcpSocket"]["host"].string ?? "", port: json["tcpSocket"]["port"])
        } else if json["grpc"].object != nil {
            self = .unsupported("gRPC probes are not run by this agent; use exec, httpGet or tcpSocket.")
        } else {
            self = .unsupported("The probe has no exec, httpGet or tcpSocket.")
        }
    }
}

/// What one look at a container found.
enum ProbeOutcome: Equatable, Sendable {
    case success
    case failure(String)
    /// It could not be asked; counts as neither. Source: kubelet `prober.Unknown`.
    case errored(String)
}

/// When a probe is due and what its results mean so far. A value; time is passed in.
struct ProbeCourse: Equatable, Sendable {
    let probe: Probe
    /// The attempt that is asked.
    let attempt: Int
    private(set) var next: Timestamp
    private(set) var isRunning = false
    private var successes = 0
    private var failures = 0
    /// The verdict so far; nil before the first.
    private(set) var isGood: Bool?

    init(_ probe: Probe, attempt: Int, startedAt: Timestamp) {
        self.probe = probe
        self.attempt = attempt
        next = startedAt + probe.delay
    }

    func isDue(_ now: Timestamp) -> Bool { !isRunning && next <= now }
    mutating func begin() { isRunning = true }

    /// Counts a result; true when the verdict is new.
    mutating func end(_ outcome: ProbeOutcome, now: Timestamp) -> Bool {
        isRunning = false
        next = now + probe.period
        switch outcome {
        case .success:
            successes += 1
            failures = 0
            guard successes >= probe.successThreshold, isGood != true else { return false }
            isGood = true
            return true
        case .failure:
            failures += 1
            successes = 0
            guard failures >= probe.failureThreshold, isGood != false || probe.kind != .readiness else { return false }
            // Counted anew, as after a restart.
            if probe.kind != .readiness { failures = 0 }
            isGood = false
            return true
        case .errored: return false
        }
    }
}
