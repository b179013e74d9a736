import Shared

/// `kconsole wait`: waits until objects are as wanted.
enum WaitCommand {
    static let verb = Verb(
        "wait", "Wait until objects have a condition, a value, or are gone.", operands: "KIND NAME… | KIND/NAME…",
        flags: [
            .init(
                "for", .one("WHAT"), choices: ["condition=", "jsonpath=", "delete", "create"],
                help: "condition=NAME[=VALUE], jsonpath={PATH}[=VALUE], delete or create"),
            .init("timeout", .one("DURATION"), fallback: "30s", help: "how long; 0 looks once, negative is a week"),
            .init("all", help: "all objects of the kind in the namespace"), GetCommand.selectorFlag,
            .init("field-selector", .one("FIELDS"), help: "only objects with these fields"),
        ],
        notes: "Example: kconsole wait --for=condition=available --timeout=60s deploy/web", completes: .objects,
        run: run)

    private static func run(_ call: Invocation) async throws -> Int32 {
        guard let text = call.arguments["for"] else {
            throw call.usage("wait needs --for, such as --for=condition=ready")
        }
        let goal = try Goal(text)
        guard !call.operands.isEmpty else { throw call.usage("wait needs objects, such as pod/web") }
        let given = call.arguments["timeout"] ?? "30s"
        let limit =
            given.hasPrefix("-") ? Duration.seconds(7 * 86_400) : try call.arguments.duration("timeout") ?? .seconds(30)
        let deadline = call.clock.uptime() + limit
        let session = try await call.session()
        let selection = try Selection(call.operands, try await session.resources())
        var code: Int32 = 0
        for entry in selection.entries {
            var names = entry.names
            if names.isEmpty {
                guard
                    call.arguments.has("all") || call.arguments.isGiven("selector")
                        || call.arguments.isGiven("field-selector")
                else { throw call.usage("name the objects, choose them with -l, or give --all") }
                names = try await session.objects(entry, call.arguments).map { Object($0).name }
                if names.isEmpty, goal != .gone {
                    call.remark("error: no matching resources found")
                    return 1
                }
            }
            for name in names {
                let title = "\(entry.resource.title)/\(name)"
                if try await reach(goal, entry.resource.path(session.namespace, name), session, call, deadline) {
                    call.out("\(title) \(goal == .gone ? "deleted" : "condition met")")
                } else {
                    call.remark("error: timed out waiting for the condition on \(entry.resource.type.plural)/\(name)")
                    code = 1
                }
            }
        }
        return code
    }

    /// Looks until the goal is reached, at growing intervals. False when the time is up.
    private static func reach(
        _ goal: Goal, _ path: String, _ session: Session, _ call: Invocation, _ deadline: Duration
    ) async throws -> Bool {
        var backoff = Backoff(first: .milliseconds(50), most: .seconds(1))
        while true {
            do {
                let object = try await session.client.call("GET", path)
                if goal.isReached(object) { return true }
            } catch let status as Status where status.reason == .notFound {
                if goal == .gone { return true }
                if goal != .made { throw status }
            }
            guard call.clock.uptime() < deadline else { return false }
            try await call.clock.sleep(for: backoff.next())
        }
    }

    /// What is waited for. Pure. Source: kubectl's `wait`.
    enum Goal: Equatable {
        case gone
        case made
        case condition(String, String)
        case value(JSONPath, String?)

        init(_ text: String) throws {
            switch text.lowercased() {
            case "delete": self = .gone
            case "create": self = .made
            case let word where word.hasPrefix("condition="):
                let parts = text.dropFirst("condition=".count).split(separator: "=", maxSplits: 1).map(String.init)
                guard let name = parts.first, !name.isEmpty else {
                    throw UsageError("--for=condition= takes the name of a condition, such as condition=ready")
                }
                self = .condition(name, parts.count > 1 ? parts[1] : "True")
            case let word where word.hasPrefix("jsonpath="):
                var template = text.dropFirst("jsonpath=".count)
                if let quote = template.first, quote == "'" || quote == "\"" {
                    template = template.filter { $0 != quote }[...]
                }
                guard let end = template.lastIndex(of: "}") else {
                    throw UsageError("--for=jsonpath= takes {PATH}=VALUE, such as jsonpath={.status.phase}=Running")
                }
                let rest = template[template.index(after: end)...]
                self = .value(
                    try JSONPath(String(template[...end])), rest.hasPrefix("=") ? String(rest.dropFirst()) : nil)
            default:
                throw UsageError("--for takes condition=NAME, jsonpath={PATH}=VALUE, delete or create, not \"\(text)\"")
            }
        }

        func isReached(_ object: JSON) -> Bool {
            switch self {
            case .gone: return false
            case .made: return true
            case .condition(let name, let value):
                let status = object["status"]
                if let seen = status["observedGeneration"].int, let wanted = object.at("metadata", "generation").int,
                    seen < wanted
                {
                    return false
                }
                return status["conditions"].items.contains { condition in
                    let isOld = condition["observedGeneration"].int.flatMap { seen in
                        object.at("metadata", "generation").int.map { seen < $0 }
                    }
                    return condition["type"].string?.lowercased() == name.lowercased() && isOld != true
                        && condition["status"].string?.lowercased() == value.lowercased()
                }
            case .value(let path, let wanted):
                let values = path.values(object)
                guard let wanted else { return values.contains { !$0.isNull } }
                return values.contains { JSONPath.plain($0) == wanted }
            }
        }
    }
}
