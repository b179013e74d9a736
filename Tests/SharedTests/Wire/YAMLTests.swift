import Glibc
import Testing

@testable import Shared

struct YAMLTests {
    private func value(_ text: String) throws -> JSON { try #require(try YAML.parse(text).first).value }

    @Test(
        arguments: [
            ("a: yes", ["a": "yes"]), ("a: 0644", ["a": 420]), ("a: 0x1F", ["a": 31]), ("a: 0o17", ["a": 15]),
            ("a: 089", ["a": 89]), ("a: 1e3", ["a": .double(1000)]), ("a: .5", ["a": 0.5]),
            ("a: 1_000", ["a": "1_000"]),
            ("a: ~", ["a": nil]), ("a:", ["a": nil]), ("a: TRUE", ["a": true]), ("a: 2001-12-14", ["a": "2001-12-14"]),
            ("a: .inf", ["a": ".inf"]), ("a: -7", ["a": -7]), ("8080: x", ["8080": "x"]), ("true: x", ["true": "x"]),
            ("a: !!str 12", ["a": "12"]), ("a: !!int '12'", ["a": 12]), ("a: !!float 1", ["a": .double(1)]),
            ("a: 99999999999999999999", ["a": .double(1e20)]), ("a: 0x", ["a": "0x"]), ("a: 1.2.3", ["a": "1.2.3"]),
        ] as [(String, JSON)])
    func `untyped scalars follow the core schema and Kubernetes`(text: String, expected: JSON) throws {
        #expect(try value(text) == expected)
    }

    @Test func `merge keys take what the mapping does not say itself`() throws {
        let text = """
            base: &base {image: a, port: 1}
            extra: &extra {image: b, host: h}
            web:
              <<: [*base, *extra]
              port: 2
            """
        #expect(try value(text)["web"] == ["port": 2, "image": "a", "host": "h"])
    }

    @Test(arguments: [
        ("a: 1\nb: 2\na: 3", 3, 1, "the key 'a' was written twice"),
        ("a: b: c", 1, 5, "a second ':'"),
        ("a:\n\tb: 1", 2, 1, "a tab stands"),
        ("spec:\n  a: 1\n   b: 2", 3, 4, "indented further than the keys above"),
        ("a: [1, 2", 1, 4, "never closed"),
        ("a: \"x", 1, 4, "never closed"),
        ("a: *b", 1, 4, "no anchor '&b'"),
        ("a: @x", 1, 4, "can not start with '@'"),
        ("a: \"\\d\"", 1, 5, "escape is unknown"),
        ("a: 1\n- b", 2, 1, "a list item stands where a key is needed"),
        ("a: 1\nfoo", 2, 1, "a key is missing"),
        ("a: \u{1}", 1, 4, "control character"),
        ("? [a]\n: b", 1, 3, "can not be a key"),
    ])
    func `errors name the place and what to do`(text: String, line: Int, column: Int, message: String) throws {
        let error = #expect(throws: YAMLError.self) { try YAML.parse(text, file: "f.yaml") }
        #expect(error?.line == line && error?.column == column, "\(String(describing: error))")
        #expect(error?.message.contains(message) == true, "\(String(describing: error))")
        #expect(error?.description.hasPrefix("f.yaml:\(line):\(column): ") == true)
    }

    @Test func `a field leads back to its document and line`() throws {
        let text = "# first\nkind: A\n---\n\nkind: B\nspec:\n  ports:\n  - port: 1\n  - {port: x,\n     name: y}\n"
        let documents = try YAML.parse(text)
        #expect(documents.map(\.line) == [2, 5])
        #expect(documents.map(\.number) == [1, 2])
        let second = try #require(documents.last)
        #expect(second.line(of: [.key("spec")]) == 6)
        #expect(second.line(of: [.key("spec"), .key("ports"), .index(0)]) == 8)
        #expect(second.line(of: [.key("spec"), .key("ports"), .index(1), .key("name")]) == 10)
        #expect(second.line(of: [.key("spec"), .key("nothing")]) == nil)
    }

    @Test func `a document of comments only is empty`() throws {
        let documents = try YAML.parse("---\n# nothing\n---\na: 1\n")
        #expect(documents.map(\.isEmpty) == [true, false])
        #expect(try YAML.parse("# nothing\n\n").isEmpty)
    }

    @Test func `a closing bracket may stand at the left as in many manifests`() throws {
        #expect(try value("args: [\n  a,\n  b\n]\nx: {\n  y: 1\n}\n") == ["args": ["a", "b"], "x": ["y": 1]])
    }

    @Test func `an alias bomb is refused`() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
        for level in 1...9 {
            text += "a\(level): &a\(level) [\(Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", "))]\n"
        }
        #expect(throws: YAMLError.self) { try YAML.parse(text) }
    }

    @Test(arguments: ["[", "{a: ", "- ", "? ", "[[]: "])
    func `deep nesting is refused and not a crash`(opening: String) {
        #expect(throws: YAMLError.self) { try YAML.parse(String(repeating: opening, count: 100_000)) }
    }

    @Test func `damaged text never traps`() throws {
        var seed = Seeded(state: 7)
        let samples =
            YAMLSuiteTests.cases.compactMap { $0["yaml"].string } + ["a: [b, {c: \"d\"}]\n? |+\n  x\n: &y !!str z\n"]
        for round in 0..<4000 {
            var bytes = Array(samples[round % samples.count].utf8)
            for _ in 0..<(1 + seed.below(4)) where !bytes.isEmpty {
                let place = seed.below(bytes.count)
                switch seed.below(3) {
                case 0: bytes.remove(at: place)
                case 1: bytes[place] = UInt8(seed.below(256))
                default:
                    bytes.insert(
                        contentsOf: ["\t", ":", "- ", "\n", "[", "}", "'", "&", " "][seed.below(9)].utf8, at: place)
                }
            }
            if let documents = try? YAML.parse(bytes) { _ = YAML.emit(documents.map(\.value)) }
        }
    }

    // MARK: - Emitter

    @Test func `the output looks like that of kubectl`() {
        let pod: JSON = [
            "apiVersion": "v1", "kind": "Pod",
            "metadata": ["name": "web", "labels": ["v": "1", "empty": ""], "annotations": [:]],
            "spec": [
                "containers": [
                    ["name": "a", "args": ["-c", "echo: x", "# no", "yes"], "ports": [["containerPort": 80]]],
                    ["name": "b", "env": []],
                ],
                "on": true, "text": "one\ntwo\n", "keep": "one\n\n", "strip": "one\ntwo", "first": " x\ny\n",
                "nothing": nil, "half": 0.5,
            ],
        ]
        let expected = """
            apiVersion: v1
            kind: Pod
            metadata:
              name: web
              labels:
                v: "1"
                empty: ""
              annotations: {}
            spec:
              containers:
              - name: a
                args:
                - -c
                - 'echo: x'
                - '# no'
                - "yes"
                ports:
                - containerPort: 80
              - name: b
                env: []
              "on": true
              text: |
                one
                two
              keep: |+
                one

              strip: |-
                one
                two
              first: |2
                 x
                y
              nothing: null
              half: 0.5

            """
        #expect(YAML.emit(pod) == expected)
    }

    @Test(arguments: [
        "yes", "No", "on", "OFF", "y", "n", "012", "1e3", "1_000", "2001-12-14", "=", "12:30:45", "null", "~", "",
        "true", "0x1f",
        "0b1", "0o7", ".5", "-1", "+1", "1.", ".inf", "-.INF", ".NaN", "<<", "2001-12-14t21:59:43.10-05:00", "1:20",
    ])
    func `text that looks like another type is quoted`(text: String) throws {
        #expect(YAML.emit(.string(text)) == "\"\(text)\"\n")
    }

    @Test(arguments: [
        "web", "nginx:1.25", "a b", "1.2.3-x", "10Gi", "100m", "-c", "/bin/sh", "a#b", "http://x:80/y", "10.0.0.1/8",
        "日本",
    ])
    func `harmless text stays plain`(text: String) {
        #expect(YAML.emit(.string(text)) == "\(text)\n")
    }

    @Test func `random values come back unchanged, from PyYAML too`() throws {
        var seed = Seeded(state: 42)
        var values: [JSON] = []
        for _ in 0..<600 { values.append(seed.json(depth: 4)) }
        for value in values {
            let text = YAML.emit(value)
            do {
                let back = try #require(try YAML.parse(text).first).value
                #expect(back == value, "\(text)")
            } catch { Issue.record("\(error)\n\(text)\n\(value.text)") }
        }
        let script = """
            import sys, json
            try: import yaml
            except ImportError: print('absent'); sys.exit()
            for d in yaml.load_all(open(sys.argv[1], encoding='utf-8'), yaml.SafeLoader): print(json.dumps(d))
            """
        let path = "/tmp/koto-yaml-\(getpid()).yaml"
        let file = try #require(fopen(path, "w"))
        defer { unlink(path) }
        fputs(YAML.emit(values.map { ["value": $0] }), file)
        fclose(file)
        guard let pipe = popen("python3 -c \"\(script)\" \(path) 2>&1", "r") else { return }
        defer { pclose(pipe) }
        var lines: [String] = []
        while let line = readLine(from: pipe) { lines.append(line) }
        if lines.first?.hasPrefix("absent") ?? true || lines.first?.contains("not found") == true {
            print("SKIPPED: python3 with PyYAML is absent, the second reader was not asked.")
            return
        }
        #expect(lines.count == values.count, "\(lines.last ?? "")")
        for (line, value) in zip(lines, values) {
            #expect(try JSON(parsing: line)["value"] == value, "\(YAML.emit(value))")
        }
    }

    private func readLine(from pipe: UnsafeMutablePointer<FILE>) -> String? {
        var line: UnsafeMutablePointer<CChar>?
        var size = 0
        defer { free(line) }
        guard getline(&line, &size, pipe) > 0, let line else { return nil }
        return String(cString: line)
    }

    @Test func `a large manifest is read in no time`() throws {
        var text = ""
        for index in 0..<4000 {
            text +=
                "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\(index)\n  labels: {app: web, tier: \"front\"}\ndata:\n"
            text +=
                "  key: |\n    some text\n    more text\n  other: value with spaces\n  list:\n  - a\n  - b: 1\n    c: 2\n"
        }
        let clock = ContinuousClock()
        let start = clock.now
        #expect(try YAML.parse(text).count == 4000)
        let took = clock.now - start
        print("YAML: \(text.utf8.count / 1024) KiB in \(took)")
        var wide = ""
        for index in 0..<100_000 { wide += "k\(index): \(index)\n" }
        #expect(try YAML.parse(wide).first?.value.members.count == 100_000)
    }
}

/// A small seeded generator (xorshift).
struct Seeded {
    var state: UInt64
    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

    private static let words = [
        "yes", "no", "on", "off", "y", "n", "012", "1e3", "1_000", "2001-12-14", "=", "12:30:45", "~", "null", "- a",
        "a: b", "a #b", "#",
        "'", "\"", "\\", "\n", "\n\n", "a\n", " a", "a ", "a\nb", "a\n\nb\n\n", "  a\nb", "\ta\nb", "a\n  b\n", "a \nb",
        "---", "...", "--- a",
        "a\n---\nb", "%x", "@x", "`x", "&a", "*a", "!a", "|", ">", "?", "? a", ":", ":a", "a:", "{a}", "[a]", ",", "é",
        "日本", "\u{85}", "\u{2028}",
        "\u{FEFF}", "\u{0}", "\u{7}", "\r", "a\rb", "\u{1F600}", "a\tb", "\t", "0x1f", "0b1", "1.5", ".5", "-.inf",
        ".nan", "<<", "+1", "-", "--", "_1",
        "1_", "0_1", "1:2:3", "190:20:30.15", "1e+3", "1.e+3", "e3", "0.", "-0", "a,b", "a]b", "x: |", "\n a",
        "\n\n  a\nb", "NULL", "True", "!!str a",
    ]
    mutating func text() -> String {
        var text = Self.words[below(Self.words.count)]
        while below(3) == 0 { text += ["", " ", "\n"][below(3)] + Self.words[below(Self.words.count)] }
        return text
    }
    mutating func json(depth: Int) -> JSON {
        switch below(depth > 0 ? 10 : 6) {
        case 0: return .null
        case 1: return .bool(below(2) == 0)
        case 2: return .int(Int64(bitPattern: next() >> UInt64(below(64))))
        case 3: return .double([0.5, -1.25, 1e21, 1.5e-9, 3.141592653589793, 1e100, -2.5e17][below(7)])
        case 4, 5: return .string(text())
        case 6, 7: return .array((0..<below(4)).map { _ in json(depth: depth - 1) })
        default:
            var members = JSON.Members()
            for _ in 0..<below(4) { members.set(text(), json(depth: depth - 1)) }
            return .object(members)
        }
    }
}

struct LineDiffTests {
    @Test func `unified output is that of diff -u`() {
        let old = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n"
        let new = "a\nB\nc\nd\ne\nf\ng\nh\ni\nj\nk\n"
        #expect(
            LineDiff.unified(old, new, context: 1)
                == "--- old\n+++ new\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n@@ -10 +10,2 @@\n j\n+k\n")
        #expect(LineDiff.unified(old, old) == "")
        #expect(LineDiff.unified("", "a\n") == "--- old\n+++ new\n@@ -0,0 +1 @@\n+a\n")
    }

    @Test func `the changes of random texts rebuild both`() {
        var seed = Seeded(state: 3)
        for _ in 0..<300 {
            let old = (0..<seed.below(30)).map { _ in "\(seed.below(5))\n" }.joined()
            let new = (0..<seed.below(30)).map { _ in "\(seed.below(5))\n" }.joined()
            var left = ""
            var right = ""
            for change in LineDiff.changes(old, new) {
                switch change {
                case .same(let line):
                    left += line + "\n"
                    right += line + "\n"
                case .removed(let line): left += line + "\n"
                case .added(let line): right += line + "\n"
                }
            }
            #expect(left == old && right == new)
        }
    }

    @Test func `two large different texts are answered within the bound`() {
        let old = (0..<20_000).map { "a\($0)\n" }.joined()
        let new = (0..<20_000).map { "b\($0)\n" }.joined()
        #expect(LineDiff.changes(old, new).count == 40_000)
    }
}
