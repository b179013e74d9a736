import Glibc
import Shared
import TestKit
import Testing

@testable import Console

/// Descriptions beside the ones that kubectl wrote of the same objects.
struct DescribeGoldenTests {
    @Test(.enabled(if: SharedData.has("golden/describe.jsonl")))
    func `descriptions read as kubectl's do`() throws {
        var counts: [String: (exact: Int, loose: Int, all: Int)] = [:]
        var failures: [String] = []
        for record in Recordings.lines("describe.jsonl") {
            let id = record["id"].string ?? ""
            guard id.hasPrefix("describe/"), record["rc"].int == 0, record["object"].object != nil else { continue }
            let replay = DescribeReplay(record)
            let kind = Object(record["object"]).kind
            var count = counts[kind] ?? (0, 0, 0)
            count.all += 1
            if replay.isExact { count.exact += 1 }
            if replay.isAlike { count.loose += 1 } else { failures.append("\(id)\n\(replay.difference)") }
            counts[kind] = count
        }
        let total = counts.values.reduce((0, 0, 0)) { ($0.0 + $1.exact, $0.1 + $1.loose, $0.2 + $1.all) }
        for (kind, count) in counts.sorted(by: { $0.key < $1.key }) {
            print("describe \(kind): \(count.exact) exact, \(count.loose) alike of \(count.all)")
        }
        print("describe: \(total.0) exact, \(total.1) alike of \(total.2)")
        if let path = getenv("DESCRIBE_FAILURES").map({ String(cString: $0) }), let file = fopen(path, "w") {
            for failure in failures { fputs(failure + "\n\n", file) }
            fclose(file)
        }
        #expect(total.2 > 0)
        #expect(total.1 * 100 >= total.2 * 97, "\(failures.prefix(5).joined(separator: "\n\n"))")
    }
}

/// Recordings of the folder that is shared beside the project, one JSON object a line.
enum Recordings {
    static func lines(_ file: String) -> [JSON] {
        guard let stream = fopen("\(SharedData.folder)/golden/\(file)", "r") else { return [] }
        defer { fclose(stream) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = fread(&chunk, 1, chunk.count, stream)
            if count == 0 { break }
            bytes += chunk[..<count]
        }
        return bytes.split(separator: UInt8(ascii: "\n")).compactMap { try? JSON(parsing: Array($0)) }
    }
}

/// One recorded description and ours of the same object. What else kubectl read beside the object was not recorded; it is
/// taken out of the recorded text.
private struct DescribeReplay {
    let expected: [String]
    let ours: [String]

    init(_ record: JSON) {
        let object = record["object"]
        let text = record["stdout"].string ?? ""
        let context = DescribeReplay.context(text, object)
        let made = DescribeText.of(object, context, zoneSeconds: 0, now: Timestamp(seconds: 1_795_000_000))
        expected = DescribeReplay.comparable(text)
        ours = DescribeReplay.comparable(made)
    }

    /// Without events, and a node's list of pods, which depend on the moment.
    private static func comparable(_ text: String) -> [String] {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if let events = lines.lastIndex(where: { $0.hasPrefix("Events:") }) {
            lines.removeSubrange((lines[events].hasSuffix("<none>") ? events + 1 : events)...)
        }
        if let pods = lines.firstIndex(where: { $0.hasPrefix("Non-terminated Pods:") }) {
            lines.removeSubrange(pods...)
        }
        while lines.last == "" { lines.removeLast() }
        return lines
    }

    private static func context(_ text: String, _ object: JSON) -> DescribeContext {
        var context = DescribeContext()
        context.backendProblem = "the server could not find the requested resource"
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        func value(_ title: String) -> String? {
            lines.first { $0.hasPrefix(title) }.map { $0.dropFirst(title.count).description.trimmingSpaces }
        }
        if !text.hasSuffix("<none>\n"), value("Events:") != nil { context.events = [["type": "Normal"]] }
        if let status = value("Pods Status:") {
            for part in status.components(" / ") {
                let words = part.split(separator: " ").map(String.init)
                guard words.count == 2, let count = Int(words[0]) else { continue }
                let phase = words[1] == "Waiting" ? "Pending" : words[1]
                context.pods += Array(repeating: ["status": ["phase": .string(phase)]], count: count)
            }
        }
        if let users = value("Used By:"), users != "<none>" {
            let at = lines.firstIndex { $0.hasPrefix("Used By:") } ?? 0
            let names = [users] + lines[(at + 1)...].prefix { $0.hasPrefix(" ") }.map(\.trimmingSpaces)
            context.pods = names.map { ["metadata": ["name": .string($0)]] }
        }
        for title in ["OldReplicaSets:", "NewReplicaSet:"] {
            guard let sets = value(title), sets != "<none>" else { continue }
            for set in sets.components("), ") {
                let words = set.split { " ()/".contains($0) }.map(String.init)
                guard words.count >= 3, let created = Int(words[1]), let wanted = Int(words[2]) else { continue }
                context.replicaSets.append([
                    "metadata": [
                        "name": .string(words[0]), "uid": .string(words[0]),
                        "ownerReferences": [["uid": object.at("metadata", "uid"), "controller": true]],
                    ],
                    "spec": [
                        "replicas": JSON(wanted),
                        "template": title == "NewReplicaSet:" ? object.at("spec", "template") : ["old": true],
                    ], "status": ["replicas": JSON(created)],
                ])
            }
        }
        if value("HolderIdentity:") != nil || text.contains("  HolderIdentity:") {
            context.lease = ["spec": ["holderIdentity": .string(Object(object).name), "renewTime": "<time>"]]
        }
        let missing = lines.filter { $0.hasSuffix("(not found)") }.map { $0.split(separator: " ").map(String.init) }
            .compactMap { $0.dropLast(2).last }
        let named = (object["secrets"].items + object["imagePullSecrets"].items).compactMap { $0["name"].string }
        context.secrets = named.filter { !missing.contains($0) }.map { ["metadata": ["name": .string($0)]] }
        if let tokens = value("Tokens:"), tokens != "<none>" {
            let at = lines.firstIndex { $0.hasPrefix("Tokens:") } ?? 0
            let names = [tokens] + lines[(at + 1)...].prefix { $0.hasPrefix(" ") }.map(\.trimmingSpaces)
            context.secrets = context.secrets.filter { !names.contains(Object($0).name) }
            context.secrets += names.map {
                [
                    "metadata": [
                        "name": .string($0),
                        "annotations": ["kubernetes.io/service-account.name": .string(Object(object).name)],
                    ], "type": "kubernetes.io/service-account-token",
                ]
            }
        }
        if Object(object).name == "gb-tab-q" {
            let others = Recordings.lines("describe.jsonl").map { $0["object"] }
            context.quotas = others.filter { Object($0).kind == "ResourceQuota" }
            context.limits = others.filter { Object($0).kind == "LimitRange" }
        }
        return context
    }

    var isExact: Bool { zip(expected, ours).allSatisfy { DescribeReplay.same($0, $1, isExact: true) } && isLong }
    var isAlike: Bool { zip(expected, ours).allSatisfy { DescribeReplay.same($0, $1, isExact: false) } && isLong }
    private var isLong: Bool { expected.count == ours.count }

    var difference: String {
        let sameLines = zip(expected, ours).prefix { DescribeReplay.same($0, $1, isExact: false) }.count
        return
            "line \(sameLines + 1)\n  theirs: \(expected.dropFirst(sameLines).prefix(6).joined(separator: "\n          "))"
            + "\n  ours:   \(ours.dropFirst(sameLines).prefix(6).joined(separator: "\n          "))"
    }

    /// Values that were made anonymous only on one side compare by what stands before them.
    private static func same(_ left: String, _ right: String, isExact: Bool) -> Bool {
        if left == right { return true }
        for mask in ["<age>", "<time>", "<rand>", "Resource Version:", "Created on:", "<mem>", "<disk>", "<ptr>"] {
            guard let range = left.firstRange(of: mask) else { continue }
            let end = mask.hasSuffix(":") ? range.upperBound : range.lowerBound
            let head = left[..<end]
            if right.hasPrefix(head) { return true }
            if !isExact, squeeze(right).hasPrefix(squeeze(String(head)).trimmingSpaces) { return true }
        }
        return !isExact && squeeze(left) == squeeze(right)
    }
    private static func squeeze(_ line: String) -> String {
        line.split(separator: " ").joined(separator: " ")
    }
}

extension String {
    fileprivate func components(_ separator: String) -> [String] {
        var parts: [String] = []
        var rest = Substring(self)
        while let range = rest.firstRange(of: separator) {
            parts.append(String(rest[..<range.lowerBound]))
            rest = rest[range.upperBound...]
        }
        return parts + [String(rest)]
    }
}
