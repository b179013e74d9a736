import Glibc
import Shared
import TestKit
import Testing

@testable import Master

/// The master's own parsers under inputs that have been tampered with. `FUZZ_INPUTS=1000000 FUZZ_SEED=2 swift test
/// --filter ParserFuzzTests` runs longer; `Bench fuzz` does the same for the parsers that all programs share.
@Suite(.serialized)
struct ParserFuzzTests {
    private static func variable(_ name: String, _ fallback: Int) -> Int {
        getenv(name).flatMap { Int(String(cString: $0)) } ?? fallback
    }

    @Test func `no input crashes a parser of the master, and none breaks its promises`() {
        let outcomes = Fuzzer.run(
            Self.targets, inputs: Self.variable("FUZZ_INPUTS", 20_000), seed: UInt64(Self.variable("FUZZ_SEED", 1))
        ) { StandardStreams.out("\($0)") }
        #expect(outcomes.count == Self.targets.count)
        for outcome in outcomes { #expect(outcome.findings.isEmpty, "\(outcome.name)") }
    }

    private static let targets = [
        FuzzTarget("protobuf", seeds: messages, words: protobufWords, feed: protobuf),
        FuzzTarget("decoder", seeds: FuzzSeeds.json, words: FuzzSeeds.jsonWords, feed: decode),
        FuzzTarget(
            "expression",
            seeds: [
                "self.spec.replicas <= self.spec.max && has(self.spec.a)",
                "self.list.all(x, x.name.startsWith('a') || x.size() > 2) ? 'a' : \"b\\n\"",
                "oldSelf == self || duration('1h') > duration(self.d) && self.m['k'] in [1, 2u, 3.5, b'x']",
            ].map { Array($0.utf8) },
            words: [
                "(", ")", "[", "]", "?", ":", "&&", "||", "!", "-", "in", ".", "self", "has(", "all(x,", "'", "r'",
            ],
            feed: { input in
                _ = try? ExpressionParser.parse(String(decoding: input, as: UTF8.self))
                return nil
            }),
        FuzzTarget(
            "pattern",
            seeds: ["^[a-z]([-a-z0-9]*[a-z0-9])?$", "(a|b){2,5}\\d+\\.[^x]*", "(?i)\\w+\\b"].map { Array($0.utf8) },
            words: [
                "(", ")", "[", "]", "{1,", "}", "*", "+", "?", "|", "\\", "^", "$", "(?:", "[^", "{1000}", "\\p{L}",
            ],
            feed: { input in
                guard input.count < 400, let pattern = try? Pattern(String(decoding: input, as: UTF8.self)) else {
                    return nil
                }
                _ = pattern.occurs(in: "aaaaaaaaaaaaaaaaaaaaaaaaaaab")
                return nil
            }),
        FuzzTarget(
            "syntax", seeds: FuzzSeeds.json, words: FuzzSeeds.jsonWords,
            feed: { input in
                let complaint = GoSyntax.complaint(about: input)
                let isRead = (try? JSON(parsing: input)) != nil
                return isRead && complaint != nil && !input.contains(where: { $0 >= 0x80 })
                    ? "what can be read is complained about" : nil
            }),
        FuzzTarget(
            "cron", seeds: ["*/5 0-6 1,15 * MON-FRI", "@hourly", "0 0 31 2 *"].map { Array($0.utf8) },
            words: ["*", "/", "-", ",", "@", "every ", " ", "JAN", "7", "L", "?"],
            feed: { input in
                _ = CronSchedule(String(decoding: input, as: UTF8.self))
                return nil
            }),
    ]

    // MARK: Protobuf

    private static let protobufWords = ["\u{8}\u{1}", "\u{12}\u{0}", "\u{a}\u{2}v1", "\u{7f}", "k8s\u{0}"]

    private static func protobuf(_ input: [UInt8]) -> String? {
        guard let object = try? Protobuf.decode(input) else { return nil }
        let kind = Object(object)
        let parts = kind.apiVersion.split(separator: "/").map(String.init)
        let name = GroupVersionKind(
            group: parts.count == 2 ? parts[0] : "", version: parts.last ?? "", kind: kind.kind)
        _ = try? Schema.decode(object, as: name)
        return nil
    }

    private static func decode(_ input: [UInt8]) -> String? {
        guard let json = try? JSON(parsing: input) else { return nil }
        for kind in ["Pod", "Service", "ConfigMap"] {
            let name = GroupVersionKind(group: "", version: "v1", kind: kind)
            guard let decoded = try? Schema.decode(json, as: name) else { continue }
            guard let again = try? Schema.decode(decoded.object, as: name) else { return "a \(kind) is refused again" }
            if again.object != decoded.object { return "a \(kind) changes when it is read again" }
        }
        return nil
    }

    /// The objects of the seeds in protobuf, as far as the schema knows them.
    private static let messages: [[UInt8]] = FuzzSeeds.objects.compactMap { object in
        let kind = Object(object)
        let parts = kind.apiVersion.split(separator: "/").map(String.init)
        guard
            let type = Schema.of(
                GroupVersionKind(group: parts.count == 2 ? parts[0] : "", version: parts.last ?? "", kind: kind.kind))
        else { return nil }
        var body = object
        body.remove("apiVersion")
        body.remove("kind")
        let envelope =
            field(1, field(1, Array(kind.apiVersion.utf8)) + field(2, Array(kind.kind.utf8)))
            + field(2, message(body, type))
        return [0x6B, 0x38, 0x73, 0] + envelope
    }

    private static func message(_ json: JSON, _ type: SchemaType) -> [UInt8] {
        var bytes: [UInt8] = []
        for (key, value) in json.members {
            guard let known = type.fields.first(where: { $0.name == key }), known.number > 0 else { continue }
            var piece: [UInt8] = []
            switch known.type {
            case .array(let item): for one in value.items { piece += encoded(one, item, known.number) }
            case .map(let item):
                for (name, one) in value.members {
                    piece += field(known.number, field(1, Array(name.utf8)) + encoded(one, item, 2))
                }
            default: piece = encoded(value, known.type, known.number)
            }
            for outer in known.nesting.reversed() { piece = field(outer, piece) }
            bytes += piece
        }
        return bytes
    }

    private static func encoded(_ value: JSON, _ type: FieldType, _ number: Int) -> [UInt8] {
        switch (value, type) {
        case (.object, .reference(let name)):
            guard let type = Schema.type(name) else { return [] }
            return field(number, message(value, type))
        case (.string(let text), .quantity): return field(number, field(1, Array(text.utf8)))
        case (.string(let text), _): return field(number, Array(text.utf8))
        case (.bool(let flag), _): return varint(UInt64(number << 3)) + [flag ? 1 : 0]
        case (.int(let whole), _): return varint(UInt64(number << 3)) + varint(UInt64(bitPattern: whole))
        default: return []
        }
    }

    private static func field(_ number: Int, _ bytes: [UInt8]) -> [UInt8] {
        varint(UInt64(number << 3 | 2)) + varint(UInt64(bytes.count)) + bytes
    }
    private static func varint(_ value: UInt64) -> [UInt8] {
        var (bytes, rest): ([UInt8], UInt64) = ([], value)
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }
}
