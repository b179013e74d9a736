import Shared

/// `kconsole cordon`, `uncordon` and `drain`: take nodes out of use.
enum NodeCommands {
    static let cordon = Verb(
        "cordon", "Keep new pods off nodes.", operands: "NODE…", flags: [GetCommand.selectorFlag], completes: .nodes
    ) {
        try await setUnschedulable($0, true)
    }
    static let uncordon = Verb(
        "uncordon", "Let new pods onto nodes again.", operands: "NODE…", flags: [GetCommand.selectorFlag],
        completes: .nodes
    ) {
        try await setUnschedulable($0, false)
    }
    static let drain = Verb(
        "drain", "Move all pods off nodes.", operands: "NODE…",
        flags: [
            GetCommand.selectorFlag,
            .init("ignore-daemonsets", help: "leave the pods of daemonsets, which would come back at once"),
            .init("delete-emptydir-data", help: "also pods with emptyDir volumes, whose data is lost"),
            .init("force", help: "also pods that nothing will make again"),
            .init("grace-period", .one("SECONDS"), help: "time that pods get to end; -1 is their own wish"),
            .init("timeout", .one("DURATION"), help: "how long to wait; 0 is as long as it takes"),
        ], completes: .nodes, run: drain)

    private static func nodes(_ call: Invocation, _ session: Session) async throws -> [JSON] {
        guard !call.operands.isEmpty || call.arguments.isGiven("selector") else {
            throw call.usage("name a node or choose with -l")
        }
        let known = try await session.resources()
        let entry = Selection.Entry(
            resource: try known.require("nodes"),
            names: call.operands.map { $0.hasPrefix("node/") ? String($0.dropFirst(5)) : $0 })
        return try await session.objects(entry, call.arguments)
    }

    private static func setUnschedulable(_ call: Invocation, _ isOff: Bool) async throws -> Int32 {
        let session = try await call.session()
        for node in try await nodes(call, session) { try await mark(node, isOff, session, call) }
        return 0
    }

    private static func mark(_ node: JSON, _ isOff: Bool, _ session: Session, _ call: Invocation) async throws {
        let name = Object(node).name
        let word = isOff ? "cordoned" : "uncordoned"
        if (node.at("spec", "unschedulable").bool ?? false) == isOff {
            call.out("node/\(name) already \(word)")
            return
        }
        _ = try await session.client.call(
            "PATCH", Node.type.path(name: URLText.encode(name)), body: ["spec": ["unschedulable": isOff ? true : nil]],
            contentType: Client.PatchFormat.strategic.rawValue)
        call.out("node/\(name) \(word)")
    }

    private static func drain(_ call: Invocation) async throws -> Int32 {
        let session = try await call.session()
        let limit = try call.arguments.duration("timeout") ?? .zero
        let deadline = limit > .zero ? call.clock.uptime() + limit : nil
        for node in try await nodes(call, session) {
            try await mark(node, true, session, call)
            let name = Object(node).name
            let pods = try await session.list(Pod.type.path(), query: ["fieldSelector": "spec.nodeName=\(name)"])
            let plan = DrainPlan(pods, allowing: DrainPlan.Permission(call.arguments))
            if !plan.obstacles.isEmpty {
                throw Failure(
                    "error: unable to drain node \"\(name)\" due to error: " + plan.obstacles.joined(separator: "; ")
                        + "; node/\(name) stays cordoned")
            }
            for warning in plan.warnings { call.remark("Warning: \(warning)") }
            for pod in plan.pods { try await evict(pod, deadline, session, call) }
            for pod in plan.pods { try await waitUntilGone(pod, deadline, session, call) }
            call.out("node/\(name) drained")
        }
        return 0
    }

    private static func evict(_ pod: JSON, _ deadline: Duration?, _ session: Session, _ call: Invocation) async throws {
        let object = Object(pod)
        var options: JSON = [:]
        if let grace = call.arguments["grace-period"].flatMap({ Int($0) }), grace >= 0 {
            options["gracePeriodSeconds"] = JSON(grace)
        }
        let body: JSON = [
            "apiVersion": "policy/v1", "kind": "Eviction",
            "metadata": ["name": .string(object.name), "namespace": .string(object.namespace)],
            "deleteOptions": options,
        ]
        call.out("evicting pod \(object.namespace)/\(object.name)")
        while true {
            do {
                _ = try await session.client.call(
                    "POST", Pod.type.path(namespace: object.namespace, name: object.name, subresource: "eviction"),
                    body: body)
                return
            } catch let status as Status where status.reason == .notFound {
                return
            } catch let status as Status where status.reason == .tooManyRequests {
                try expire(deadline, call)
                call.remark(
                    "error when evicting pods/\"\(object.name)\" -n \"\(object.namespace)\" (will retry after 5s): \(status.message)"
                )
                try await call.clock.sleep(for: .seconds(5))
            }
        }
    }

    private static func waitUntilGone(_ pod: JSON, _ deadline: Duration?, _ session: Session, _ call: Invocation)
        async throws
    {
        let object = Object(pod)
        while true {
            do {
                let now = try await session.client.get(Pod.self, namespace: object.namespace, name: object.name)
                if now.metadata.uid != object.metadata.uid { break }
            } catch let status as Status where status.reason == .notFound { break }
            try expire(deadline, call)
            try await call.clock.sleep(for: .milliseconds(200))
        }
        call.out("pod/\(object.name) evicted")
    }

    private static func expire(_ deadline: Duration?, _ call: Invocation) throws {
        if let deadline, call.clock.uptime() > deadline {
            throw Failure(
                "The node is not empty in time; give a longer --timeout or look at its pods with kconsole describe node."
            )
        }
    }
}

/// Which pods leave a node that is drained, and what stands in the way. Pure. Source: kubectl `drain/filters.go`.
struct DrainPlan: Sendable {
    struct Permission: OptionSet, Sendable {
        let rawValue: Int
        static let daemonSets = Permission(rawValue: 1 << 0)
        static let emptyDirs = Permission(rawValue: 1 << 1)
        static let unmanaged = Permission(rawValue: 1 << 2)
        init(rawValue: Int) { self.rawValue = rawValue }
        init(_ arguments: Arguments) {
            self = []
            if arguments.has("ignore-daemonsets") { insert(.daemonSets) }
            if arguments.has("delete-emptydir-data") { insert(.emptyDirs) }
            if arguments.has("force") { insert(.unmanaged) }
        }
    }
    private(set) var pods: [JSON] = []
    private(set) var obstacles: [String] = []
    private(set) var warnings: [String] = []

    init(_ all: [JSON], allowing permission: Permission) {
        var daemons: [String] = [], local: [String] = [], unmanaged: [String] = []
        for pod in all {
            let object = Object(pod)
            let name = "\(object.namespace)/\(object.name)"
            // Pods that a file on the node describes are the node's own.
            if object.metadata.annotations["kubernetes.io/config.mirror"] != nil { continue }
            let hasEnded = ["Succeeded", "Failed"].contains(pod.at("status", "phase").string ?? "")
            let owner = object.metadata.controller
            if owner?.kind == "DaemonSet", !hasEnded {
                daemons.append(name)
                continue
            }
            if !hasEnded, pod.at("spec", "volumes").items.contains(where: { !$0["emptyDir"].isNull }) {
                local.append(name)
            }
            if !hasEnded, owner == nil { unmanaged.append(name) }
            pods.append(pod)
        }
        func weigh(_ names: [String], _ allowed: Permission, _ what: String, _ flag: String, _ warning: String) {
            guard !names.isEmpty else { return }
            let list = names.joined(separator: ", ")
            if permission.contains(allowed) {
                if !warning.isEmpty { warnings.append("\(warning): \(list)") }
            } else {
                obstacles.append("cannot delete \(what) (use \(flag) to override): \(list)")
            }
        }
        weigh(daemons, .daemonSets, "DaemonSet-managed Pods", "--ignore-daemonsets", "ignoring DaemonSet-managed Pods")
        weigh(local, .emptyDirs, "Pods with local storage", "--delete-emptydir-data", "")
        weigh(
            unmanaged, .unmanaged, "Pods that declare no controller", "--force",
            "deleting Pods that declare no controller")
    }
}
