import Glibc
import Testing

@testable import Shared

/// The YAML test suite, where it lies beside the package; see `../shared/yaml/NOTICE.md`.
struct YAMLSuiteTests {
    static let cases: [JSON] = {
        guard let bytes = SharedFiles.read("yaml/suite.jsonl") else {
            print("SKIPPED: ../shared/yaml/suite.jsonl is absent, the YAML test suite was not run.")
            return []
        }
        return bytes.split(separator: 0x0A).compactMap { try? JSON(parsing: Array($0)) }
    }()

    @Test func `every case of the YAML test suite passes`() {
        guard !Self.cases.isEmpty else { return }
        var passed = 0
        for test in Self.cases {
            if let problem = Self.problem(test) {
                Issue.record("\(test["id"].string ?? "?") \(test["name"].string ?? ""): \(problem)")
            } else {
                passed += 1
            }
        }
        print("YAML test suite: \(passed) of \(Self.cases.count) cases passed.")
    }

    static func problem(_ test: JSON) -> String? {
        let bytes = Array((test["yaml"].string ?? "").utf8)
        let fails = test["fail"].bool == true
        var text = "+STR\n"
        do {
            var parser = try YAMLParser(bytes: bytes, file: "")
            while try parser.nextDocument() { text += parser.events.map(line).joined() }
        } catch { return fails ? nil : "refused: \(error)" }
        text += "-STR\n"
        if fails { return "accepted as\n\(text)" }
        if let expected = test["events"].string, text != expected { return "events\n\(text)instead of\n\(expected)" }
        guard let expected = test["json"].array else { return nil }
        do {
            let values = try YAML.parse(bytes).map(\.value)
            let same = values.count == expected.count && zip(values, expected).allSatisfy { equal($0, $1) }
            return same ? nil : "value \(JSON.array(values).text) instead of \(JSON.array(expected).text)"
        } catch { return "not composed: \(error)" }
    }

    private static func equal(_ left: JSON, _ right: JSON) -> Bool {
        switch (left, right) {
        case (.int, .double), (.double, .int): return left.double == right.double
        case (.array(let a), .array(let b)): return a.count == b.count && zip(a, b).allSatisfy { equal($0, $1) }
        case (.object(let a), .object(let b)):
            return a.count == b.count
                && a.allSatisfy { member in b[member.key].map { equal(member.value, $0) } ?? false }
        default: return left == right
        }
    }

    private static func line(_ event: YAMLEvent) -> String {
        var properties = ""
        if let anchor = event.properties.anchor { properties += " &\(anchor)" }
        if let tag = event.properties.tag { properties += " <\(tag)>" }
        switch event.kind {
        case .documentStart(let explicit): return explicit ? "+DOC ---\n" : "+DOC\n"
        case .documentEnd(let explicit): return explicit ? "-DOC ...\n" : "-DOC\n"
        case .mappingStart(let flow): return "+MAP\(flow ? " {}" : "")\(properties)\n"
        case .mappingEnd: return "-MAP\n"
        case .sequenceStart(let flow): return "+SEQ\(flow ? " []" : "")\(properties)\n"
        case .sequenceEnd: return "-SEQ\n"
        case .alias: return "=ALI *\(event.text)\n"
        case .scalar(let style):
            let sign =
                switch style {
                case .plain: ":"
                case .singleQuoted: "'"
                case .doubleQuoted: "\""
                case .literal: "|"
                case .folded: ">"
                }
            var text = ""
            for scalar in event.text.unicodeScalars {
                switch scalar {
                case "\\": text += "\\\\"
                case "\n": text += "\\n"
                case "\t": text += "\\t"
                case "\u{8}": text += "\\b"
                case "\r": text += "\\r"
                default: text.unicodeScalars.append(scalar)
                }
            }
            return "=VAL\(properties) \(sign)\(text)\n"
        }
    }
}

/// Files of the folder `shared` beside the package; tests that need one are skipped where it is absent.
enum SharedFiles {
    static func read(_ path: String) -> [UInt8]? {
        for root in ["../shared/"] {
            guard let file = fopen(root + path, "r") else { continue }
            defer { fclose(file) }
            var bytes: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            while true {
                let count = fread(&buffer, 1, buffer.count, file)
                if count == 0 { break }
                bytes.append(contentsOf: buffer[..<count])
            }
            return bytes
        }
        return nil
    }
}
