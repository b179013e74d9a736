import Shared

/// `kconsole why`: explains why something is not well, or lists everything that is not.
enum WhyCommand {
    static let verb = Verb(
        "why", "Explain why an object is not well; without one, list everything that is not.",
        operands: "[KIND NAME | KIND/NAME]",
        flags: [
            GetCommand.allNamespacesFlag,
            .init("output", short: "o", .one("FORMAT"), choices: ["json"], help: "json for programs"),
        ],
        notes:
            "The chain begins with the root; every fact says where it was read. Exit code 0: all is well, 1: something is not.\n"
            + "Examples: kconsole why deploy/web · kconsole why pod web-1 · kconsole why -A",
        completes: .objects, run: run)

    private static func run(_ call: Invocation) async throws -> Int32 {
        let session = try await call.session()
        if let output = call.arguments["output"], output != "json" { throw call.usage("--output takes json") }
        guard !call.operands.isEmpty else { return try await problems(call, session) }
        let selection = try Selection(call.operands, try await session.resources())
        guard let entry = selection.entries.first, let name = entry.names.first else {
            throw call.usage("why needs one object, such as deploy/web")
        }
        let whole = try await session.client.call("GET", entry.resource.path(session.namespace, name))
        let isCluster = !entry.resource.type.isNamespaced
        let world = await world(session, namespace: isCluster ? "" : session.namespace, call)
        let object = Object(whole)
        let target = Target(
            resource: Resource(entry.resource.type),
            key: Item.Key(namespace: object.metadata.namespace, name: object.name), uid: object.metadata.uid)
        let why = Why.explain(target, Evidence(world), whole: whole)
        let log = await lastLines(why, session)
        if call.arguments["output"] == "json" {
            call.out(json(why, log).pretty())
        } else {
            let rows = WhyText.rows(why, now: world.now, width: TerminalWidth.of(call.places), log: log)
            for row in rows { call.out(SafeLine.clean(row.line.text)) }
        }
        return why.chain.isEmpty ? 0 : 1
    }

    private static func problems(_ call: Invocation, _ session: Session) async throws -> Int32 {
        let isEverywhere = call.arguments.has("all-namespaces")
        let world = await world(session, namespace: isEverywhere ? "" : session.namespace, call)
        let problems = Problems.find(world)
        if call.arguments["output"] == "json" {
            call.out(
                JSON.array(
                    problems.map { problem in
                        [
                            "severity": .string(problem.severity.word.lowercased()),
                            "kind": .string(problem.target.resource.type.kind),
                            "namespace": .string(problem.target.key.namespace),
                            "name": .string(problem.target.key.name),
                            "what": .string(problem.what), "why": .string(problem.why), "count": JSON(problem.count),
                            "effects": JSON(problem.effects),
                        ]
                    }
                ).pretty())
            return problems.isEmpty ? 0 : 1
        }
        guard !problems.isEmpty else {
            call.out("Everything is well\(isEverywhere ? "" : " in namespace \(session.namespace)").")
            return 0
        }
        for problem in problems {
            let more = problem.count > 1 ? "  ×\(problem.count)" : ""
            let place = problem.target.key.namespace.isEmpty ? "" : "  \(problem.target.key.namespace)"
            call.out(
                SafeLine.clean(
                    "\(TextFit.pad(problem.severity.word, to: 7))\(problem.target.text)\(place)  \(problem.what)\(more)"
                ))
            if !problem.why.isEmpty { call.out(SafeLine.clean("       \(problem.why)")) }
            for effect in problem.effects { call.out(SafeLine.clean("       ⇒ \(effect)")) }
        }
        return 1
    }

    /// Lists what the rules look at. What is refused is noted as such; it does not stop the others.
    private static func world(_ session: Session, namespace: String, _ call: Invocation) async -> World {
        var world = World(cluster: session.contextName, server: session.server, now: call.clock.now())
        world.abilities.killNode = call.places.running?.kubeconfigServer == session.server
        let source = ClusterSource(session.client, name: session.contextName, server: session.server)
        let now = world.now
        await withTaskGroup(of: (FeedKey, Feed).self) { group in
            for key in World.overview {
                group.addTask {
                    var place = key
                    if key.resource.type.isNamespaced { place.namespace = namespace }
                    return (key, await Feed.read(place, source, now))
                }
            }
            for await (key, feed) in group {
                world.feeds[key] = feed
                if key == .all(.pods) { world.tally.observe(feed.items.values.map { (nil, $0) }) }
            }
        }
        return world
    }

    private static func lastLines(_ why: Why, _ session: Session) async -> [String] {
        guard let key = why.log else { return [] }
        let path = Pod.type.path(namespace: key.namespace, name: URLText.encode(key.pod), subresource: "log")
        var query: Query = ["container": key.container, "tailLines": "\(Limits.lastLinesMax)"]
        if key.isPrevious { query.add("previous", "true") }
        let request = session.client.request("GET", path, query: query, accept: "*/*")
        guard let answer = try? await session.client.transport.send(request), answer.status == 200 else { return [] }
        return SafeText.decode(answer.body.prefix(65_536)).split(separator: "\n").suffix(Limits.lastLinesMax).map(
            String.init)
    }

    private static func json(_ why: Why, _ log: [String]) -> JSON {
        func fact(_ fact: Why.Fact) -> JSON {
            var json: JSON = [
                "text": .string(fact.text), "source": .string(fact.source), "certain": JSON(fact.isCertain),
            ]
            json.set("time", fact.time.map { .string($0.rfc3339) })
            json.set("object", fact.target.map { .string("\($0.resource.type.kind.lowercased())/\($0.key.path)") })
            return json
        }
        return [
            "object": .string(why.target.text), "state": .string(why.headline), "chain": .array(why.chain.map(fact)),
            "also": .array(why.also.map(fact)), "advice": JSON(why.advice), "unseen": JSON(why.unseen),
            "log": JSON(log),
        ]
    }
}

extension Feed {
    /// One list, page by page, without a watch. A refusal becomes the feed's state.
    static func read(_ key: FeedKey, _ source: ClusterSource, _ now: Timestamp) async -> Feed {
        var feed = Feed()
        do {
            _ = try await FeedTask.list(key, source) { _ = feed.receive($0, now: now) }
            _ = feed.receive(.live, now: now)
        } catch let status as Status {
            _ = feed.receive(.refused(status), now: now)
        } catch {
            _ = feed.receive(.lost("\(error)", retry: .zero), now: now)
        }
        return feed
    }
}

/// How wide lines for people may be.
enum TerminalWidth {
    static func of(_ places: Places) -> Int {
        RawTerminal.size()?.width ?? places.environment["COLUMNS"].flatMap { Int($0) } ?? 120
    }
}
