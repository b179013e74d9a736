import Glibc
import Shared
import TestKit

/// `Bench fuzz`: the parsers of what comes over the wire, fed with inputs that have been tampered with.
enum Fuzz {
    static let command = Command(
        name: "Bench fuzz", summary: "Feeds the parsers with broken inputs; a crash or a hang prints the input.",
        flags: [
            .init("inputs", .one("N"), fallback: "1000000", help: "for all parsers together"),
            .init("seed", .one("S"), fallback: "1", help: "the same seed makes the same inputs"),
            .init("only", .one("NAME"), help: "one parser alone"),
        ])

    /// - Returns: the exit code: 0 when no parser broke a promise.
    static func run(_ words: [String]) -> Int32 {
        do {
            let arguments = try Arguments(words, for: command)
            guard let inputs = Int(arguments["inputs"] ?? ""), let seed = UInt64(arguments["seed"] ?? ""), inputs > 0
            else { throw UsageError("--inputs and --seed are whole numbers") }
            let chosen = targets.filter { arguments["only"] == nil || $0.name == arguments["only"] }
            guard !chosen.isEmpty else {
                throw UsageError("--only is one of \(targets.map(\.name).joined(separator: ", "))")
            }
            let outcomes = Fuzzer.run(chosen, inputs: inputs, seed: seed) { StandardStreams.out("\($0)") }
            for outcome in outcomes { for finding in outcome.findings { StandardStreams.out("  \(finding)") } }
            StandardStreams.out(
                "fuzz: \(outcomes.reduce(0) { $0 + $1.inputs }) inputs over \(outcomes.count) parsers, seed \(seed), "
                    + "no crash and no hang")
            return outcomes.allSatisfy(\.findings.isEmpty) ? 0 : 1
        } catch {
            StandardStreams.err("\(error)")
            return 2
        }
    }

    private static let targets: [FuzzTarget] = [
        FuzzTarget("json", seeds: FuzzSeeds.json, words: FuzzSeeds.jsonWords, feed: json),
        FuzzTarget("yaml", seeds: FuzzSeeds.yaml, words: FuzzSeeds.yamlWords, feed: yaml),
        FuzzTarget("http-request", seeds: FuzzSeeds.requests, words: FuzzSeeds.httpWords, feed: request),
        FuzzTarget("http-response", seeds: FuzzSeeds.responses, words: FuzzSeeds.httpWords, feed: response),
        FuzzTarget("label-selector", seeds: FuzzSeeds.selectors, words: FuzzSeeds.selectorWords, feed: labels),
        FuzzTarget("field-selector", seeds: FuzzSeeds.fieldSelectors, words: FuzzSeeds.selectorWords, feed: fields),
        FuzzTarget(
            "query", seeds: ["a=b&c=d%20e&f", "labelSelector=x+in+(a)&limit=5&continue=ab%3D"].map { Array($0.utf8) },
            words: ["%", "%2", "&", "=", "+", ";", "%00", "%FF", "?"], feed: query),
        FuzzTarget("patch", seeds: FuzzSeeds.json, words: FuzzSeeds.jsonWords + patchWords, feed: patch),
        FuzzTarget(
            "quantity", seeds: ["1", "500m", "1.5Gi", "-3e6", "100n", "1E", "0.000001Ki"].map { Array($0.utf8) },
            words: ["m", "u", "n", "k", "Ki", "Mi", "E", "e", "e-", ".", "-", "+", "Ei"], feed: quantity),
        FuzzTarget(
            "websocket", seeds: [[0x81, 0x85, 1, 2, 3, 4, 5, 6, 7, 8, 9], [0x88, 0x82, 0, 0, 0, 0, 3, 0xE8]],
            words: ["\u{7f}", "\u{1}", "\u{0}"], feed: webSocket),
        FuzzTarget(
            "spdy",
            seeds: [[0x80, 3, 0, 1, 1, 0, 0, 10, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0], [0, 0, 0, 1, 0, 0, 0, 1, 65]],
            words: ["\u{0}\u{3}", "\u{1}"], feed: spdy),
    ]

    private static let patchWords = [
        "\"op\":\"add\"", "\"path\":\"/a/-\"", "\"op\":\"move\",\"from\":\"/a\"", "\"$patch\":\"replace\"",
        "\"$setElementOrder/a\":[1]", "\"$deleteFromPrimitiveList/a\":[1]", "\"$retainKeys\":[\"a\"]", "~1", "~0",
    ]

    // MARK: What the parsers promise

    private static func json(_ input: [UInt8]) -> String? {
        guard let value = try? JSON(parsing: input) else { return nil }
        guard let again = try? JSON(parsing: value.encoded) else { return "what was written can not be read" }
        return again.text == value.text ? nil : "what was written reads as another value"
    }

    private static func yaml(_ input: [UInt8]) -> String? {
        guard let documents = try? YAML.parse(input) else { return nil }
        for document in documents where input.count < 4096 {
            guard let again = try? YAML.parse(YAML.emit(document.value)) else {
                return "what was written can not be read"
            }
            guard again.first?.value.text == document.value.text else {
                return "what was written reads as another value"
            }
        }
        return nil
    }

    /// A message in one piece and the same in pieces are the same.
    private static func request(_ input: [UInt8]) -> String? {
        func read(_ pieces: [[UInt8]]) -> String {
            var queue = ByteQueue()
            var scanned = 0
            var said = ""
            // What a piece leaves open goes on in the next.
            var body: BodyParser?
            for piece in pieces {
                queue.append(piece)
                do throws(HTTPRefusal) {
                    while true {
                        if var open = body {
                            body = try drain(&open, &queue) ? nil : open
                            if body != nil { break }
                        }
                        guard let head = try HTTPHeadParser.request(from: &queue, scanned: &scanned) else { break }
                        said += "\(head.method) \(head.target) \(head.framing);"
                        scanned = 0
                        body = BodyParser(head.framing)
                    }
                } catch {
                    return said + "\(error.status)"
                }
            }
            return said
        }
        let whole = read([input])
        guard input.count < 512, !input.isEmpty else { return nil }
        let halves = [Array(input[..<(input.count / 2)]), Array(input[(input.count / 2)...])]
        return read(halves) == whole ? nil : "two pieces are understood otherwise than one"
    }

    private static func response(_ input: [UInt8]) -> String? {
        var queue = ByteQueue()
        queue.append(input)
        var scanned = 0
        do throws(HTTPRefusal) {
            if let head = try HTTPHeadParser.response(from: &queue, scanned: &scanned, method: "GET") {
                var body = BodyParser(head.framing)
                _ = try drain(&body, &queue)
            }
        } catch {
            return nil
        }
        return nil
    }

    /// - Returns: whether the body has come to its end.
    private static func drain(_ body: inout BodyParser, _ queue: inout ByteQueue) throws(HTTPRefusal) -> Bool {
        while true {
            switch try body.next(from: &queue) {
            case .piece: continue
            case .needsMore: return false
            case .end: return true
            }
        }
    }

    private static func labels(_ input: [UInt8]) -> String? {
        guard let selector = try? LabelSelector(parsing: String(decoding: input, as: UTF8.self)) else { return nil }
        _ = selector.matches(["a": "b", "x": "a", "b": "1"])
        guard let again = try? LabelSelector(parsing: selector.description) else {
            return "what was written can not be read"
        }
        return again.description == selector.description ? nil : "what was written reads as another selector"
    }

    private static func fields(_ input: [UInt8]) -> String? {
        guard let selector = try? FieldSelector(parsing: String(decoding: input, as: UTF8.self)) else { return nil }
        guard let again = try? FieldSelector(parsing: selector.description) else {
            return "what was written can not be read"
        }
        return Set(again.requirements) == Set(selector.requirements)
            ? nil : "what was written reads as another selector"
    }

    private static func query(_ input: [UInt8]) -> String? {
        guard let query = Query(parsing: String(decoding: input, as: UTF8.self)) else { return nil }
        return Query(parsing: query.text) == query ? nil : "what was written reads as another query"
    }

    private static func patch(_ input: [UInt8]) -> String? {
        guard let patch = try? JSON(parsing: input) else { return nil }
        let target: JSON = ["a": [1, 2], "b": ["c": "d"], "metadata": ["name": "x"]]
        _ = try? JSONPatch.apply(patch, to: target)
        _ = MergePatch.apply(patch, to: target)
        _ = try? StrategicMergePatch.apply(patch, to: target, schema: UnknownPatchSchema())
        return nil
    }

    private static func quantity(_ input: [UInt8]) -> String? {
        guard let quantity = Quantity(String(decoding: input, as: UTF8.self)) else { return nil }
        guard let again = Quantity(quantity.description) else { return "what was written can not be read" }
        return again == quantity ? nil : "what was written reads as another quantity"
    }

    private static func webSocket(_ input: [UInt8]) -> String? {
        var parser = WebSocketParser(.server)
        parser.feed(input)
        while let message = try? parser.next() { _ = message }
        return nil
    }

    private static func spdy(_ input: [UInt8]) -> String? {
        var parser = SPDYParser()
        parser.feed(input)
        while let frame = try? parser.next() { _ = frame }
        return nil
    }
}
