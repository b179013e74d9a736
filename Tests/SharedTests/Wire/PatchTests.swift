import Testing

@testable import Shared

/// The types of `../shared/facts/schema.json` as patch schemas.
struct RecordedSchema: PatchSchema {
    let types: JSON.Members
    let name: String

    static let types: JSON.Members? = SharedFiles.read("facts/schema.json").flatMap {
        try? JSON(parsing: $0)["types"].object
    }
    static func of(_ object: JSON) -> RecordedSchema? {
        guard let types else { return nil }
        let parts = (object["apiVersion"].string ?? "").split(separator: "/")
        let gvk: JSON = [
            .string(parts.count == 2 ? String(parts[0]) : ""), .string(String(parts.last ?? "")), object["kind"],
        ]
        return types.first { $0.value["gvk"] == gvk }.map { RecordedSchema(types: types, name: $0.key) }
    }

    func field(_ name: String) -> PatchField? {
        guard let spec = types[self.name]?["f"][name].string else { return nil }
        let parts = spec.split(separator: ";")
        func mark(_ key: String) -> Substring? { parts.first { $0.hasPrefix(key + "=") }?.dropFirst(key.count + 1) }
        return PatchField(
            strategy: .init(text: mark("ps") ?? ""), mergeKey: mark("pk").map(String.init), child: child(parts[0]))
    }
    private func child(_ type: Substring) -> (any PatchSchema)? {
        let type = type.filter { $0 != "!" }
        if type.hasPrefix("@") { return RecordedSchema(types: types, name: String(type.dropFirst())) }
        if type.hasPrefix("[") { return child(type.dropFirst().dropLast()) }
        if type.hasPrefix("{") { return MapPatchSchema(of: PatchField(child: child(type.dropFirst().dropLast()))) }
        return nil
    }
}

struct PatchTests {
    /// Scenarios in which the server's defaults, decoding or strategy decide the result, not the patch.
    private static let decidedLater: Set<String> = [
        "patch-merge-svc-clusterips-null", "patch-smp-tmpl-probe-replace", "patch-smp-tmpl-tmpl-replace",
        "patch-smp-tmpl-root-replace", "patch-smp-tmpl-unknown-list", "patch-pod-ephemeral",
        "patch-smp-tmpl-tol-delete",
    ]

    @Test func `recorded patches give the recorded objects`() throws {
        guard let bytes = SharedFiles.read("golden/api.jsonl"), RecordedSchema.types != nil else {
            print(
                "SKIPPED: ../shared/golden/api.jsonl or ../shared/facts/schema.json is absent, no patch was replayed.")
            return
        }
        var passed = 0
        var total = 0
        for line in bytes.split(separator: 0x0A) {
            guard let scenario = try? JSON(parsing: Array(line)), scenario["topic"] == "patch",
                !Self.decidedLater.contains(scenario["id"].string ?? "")
            else { continue }
            var objects: [String: JSON] = [:]
            for step in scenario["steps"].items {
                let request = step["request"]
                let answer = step["response"]
                var path = request["path"].string ?? ""
                let isPatch = request["method"] == "PATCH"
                if isPatch, let before = objects[path], let kind = request["headers"]["Content-Type"].string,
                    request["query"].isNull || request["query"] == [:]
                {
                    if let problem = Self.replay(request, kind, before, answer, &total) {
                        Issue.record("\(scenario["id"].text) \(kind): \(problem)")
                    } else {
                        passed += 1
                    }
                }
                guard let body = answer["body"].object, let status = answer["status"].int, status < 300 else {
                    continue
                }
                if request["method"] == "POST", let name = answer["body"]["metadata"]["name"].string {
                    path += "/\(name)"
                }
                if body["kind"] != "Status" { objects[path] = answer["body"] }
            }
        }
        print("Recorded patches: \(passed) replayed as recorded (\(total) compared).")
    }

    /// Compares what does not depend on defaults, validation or the store.
    private static func replay(
        _ request: JSON, _ kind: String, _ before: JSON, _ answer: JSON, _ total: inout Int
    ) -> String? {
        let body = request["rawBody"].string.map { Array($0.utf8) } ?? request["body"].encoded
        let status = answer["status"].int ?? 0
        let message = answer["body"]["message"].string ?? ""
        do throws(Status) {
            let after: JSON
            if kind.hasPrefix("application/json-patch+json") {
                after = try JSONPatch.apply(body, to: before)
            } else if kind.hasPrefix("application/merge-patch+json") {
                after = try MergePatch.apply(body, to: before)
            } else if kind.hasPrefix("application/strategic"), let schema = RecordedSchema.of(before),
                let patch = try? JSON(parsing: body)
            {
                after = try StrategicMergePatch.apply(patch, to: before, schema: schema)
            } else {
                return nil
            }
            guard status == 200 else {
                // Refused later, by decoding, validation or the store.
                let isOurs =
                    message.hasPrefix("the server rejected") || message.contains("patch type")
                    || message.contains("Invalid JSON") || message.contains("merge key")
                    || message.contains("order in patch")
                    || message.contains("unmarshal")
                return isOurs ? "accepted \(String(decoding: body, as: UTF8.self)), recorded \(status) \(message)" : nil
            }
            total += 1
            for part in ["spec", "data", "template", "rules", "subsets"]
            where !fits(after[part], answer["body"][part], before[part]) {
                return
                    "\(String(decoding: body, as: UTF8.self))\n on \(before[part].text)\n gave \(after[part].text)\n not \(answer["body"][part].text)"
            }
            for part in ["labels", "annotations", "finalizers", "ownerReferences"] {
                let (ours, theirs) = (after["metadata"][part], answer["body"]["metadata"][part])
                if !fits(ours, theirs, before["metadata"][part]) {
                    return "\(String(decoding: body, as: UTF8.self))\n gave \(part) \(ours.text)\n not \(theirs.text)"
                }
            }
            return nil
        } catch {
            if status != error.code { return "refused with \(error), recorded \(status) \(message)" }
            let isGoText = message.hasPrefix("invalid character")
            return isGoText || message == error.message ? nil : "said \(error.message)\n not \(message)"
        }
    }

    /// Equal up to empty values and to defaults: members that neither the patch nor the object before had.
    private static func fits(_ ours: JSON, _ theirs: JSON, _ before: JSON) -> Bool {
        contains(trimmed(theirs), trimmed(ours), trimmed(before))
    }
    private static func contains(_ theirs: JSON, _ ours: JSON, _ before: JSON) -> Bool {
        switch (theirs, ours) {
        case (.object(let all), .object(let some)):
            return some.allSatisfy { all[$0.key] != nil }
                && all.allSatisfy { key, value in
                    some[key].map { contains(value, $0, before[key]) } ?? before[key].isNull
                }
        case (.array(let all), .array(let some)):
            return all.count == some.count
                && zip(all, some).allSatisfy { left, right in
                    contains(left, right, before.items.first { $0["name"] == right["name"] } ?? .null)
                }
        case (.object, .null), (.array, .null): return before.isNull
        default: return theirs == ours
        }
    }
    private static func trimmed(_ json: JSON) -> JSON {
        switch json {
        case .array(let items): return items.isEmpty ? .null : .array(items.map(trimmed))
        case .object(let members):
            var kept = JSON.Members()
            for (key, value) in members {
                let value = trimmed(value)
                if value != .null { kept.append(key, value) }
            }
            return kept.isEmpty ? .null : .object(kept)
        default: return json
        }
    }

    // MARK: - Merge patches

    /// Source: RFC 7386, appendix A.
    @Test(
        arguments: [
            (["a": "b"], ["a": "c"], ["a": "c"]), (["a": "b"], ["b": "c"], ["a": "b", "b": "c"]),
            (["a": "b"], ["a": nil], [:]),
            (["a": ["b"]], ["a": "c"], ["a": "c"]),
            (["a": ["b": "c"]], ["a": ["b": "d", "c": nil]], ["a": ["b": "d"]]),
            (["a", "b"], ["c", "d"], ["c", "d"]), (["a": "b"], ["c"], ["c"]),
            (["e": nil], ["a": 1], ["e": nil, "a": 1]),
            ([1, 2], ["a": "b", "c": nil], ["a": "b"]), ([:], ["a": ["bb": ["ccc": nil]]], ["a": ["bb": [:]]]),
        ] as [(JSON, JSON, JSON)])
    func `merge patches follow the RFC`(target: JSON, patch: JSON, result: JSON) {
        #expect(MergePatch.apply(patch, to: target) == result)
    }

    @Test func `a three-way merge patch keeps what others set and removes what was applied`() {
        let patch = MergePatch.create(
            original: ["spec": ["a": 1, "old": 1]], modified: ["spec": ["a": 2, "l": [1]]],
            current: ["spec": ["a": 1, "old": 1, "other": true, "l": [2]]])
        #expect(patch == ["spec": ["a": 2, "old": nil, "l": [1]]])
    }

    @Test func `a created merge patch leads from one random object to the other`() {
        var seed = Seeded(state: 11)
        for _ in 0..<300 {
            let (before, after) = (withoutNull(seed.json(depth: 4)), withoutNull(seed.json(depth: 4)))
            guard before.object != nil, after.object != nil else { continue }
            #expect(MergePatch.apply(MergePatch.create(from: before, to: after), to: before) == after)
        }
    }
    private func withoutNull(_ json: JSON) -> JSON {
        switch json {
        case .object(let members):
            .object(JSON.Members(members.filter { !$0.value.isNull }.map { ($0.key, withoutNull($0.value)) }))
        case .array(let items): .array(items.map(withoutNull))
        default: json
        }
    }

    // MARK: - JSON patches

    @Test(
        arguments: [
            (["a": [1, 2]], [["op": "add", "path": "/a/1", "value": 9]], ["a": [1, 9, 2]]),
            (["a": [1, 2]], [["op": "add", "path": "/a/-", "value": 9]], ["a": [1, 2, 9]]),
            (["a": [1, 2]], [["op": "remove", "path": "/a/-1"]], ["a": [1]]),
            (
                ["a/b": 1, "m~n": 2],
                [["op": "remove", "path": "/a~1b"], ["op": "replace", "path": "/m~0n", "value": 3]], ["m~n": 3]
            ),
            (["a": 1], [["op": "move", "from": "/a", "path": "/b"]], ["b": 1]),
            (["a": 1], [["op": "copy", "from": "/a", "path": "/b"]], ["a": 1, "b": 1]),
            (["a": 1], [["op": "test", "path": "/a", "value": 1]], ["a": 1]),
        ] as [(JSON, JSON, JSON)])
    func `JSON patches follow the RFC`(target: JSON, patch: JSON, result: JSON) throws {
        #expect(try JSONPatch.apply(patch, to: target) == result)
    }

    @Test(
        arguments: [
            [["op": "add", "path": "/x/y", "value": 1]], [["op": "add", "path": "/a/3", "value": 1]],
            [["op": "remove", "path": "/a/-3"]],
            [["op": "move", "from": "/a", "path": "/a/0"]], [["op": "add", "path": "a", "value": 1]],
            [["op": "remove", "path": "/a/9223372036854775808"]],
            [["op": "remove", "path": "/a/-9223372036854775808"]],
        ] as [JSON])
    func `a JSON patch that does not apply is refused`(patch: JSON) {
        let error = #expect(throws: Status.self) { try JSONPatch.apply(patch, to: ["a": [1, 2]]) }
        #expect(error?.code == 422)
    }

    @Test func `copies can not grow an object without end`() {
        var operations: [JSON] = []
        for index in 0..<60 { operations.append(["op": "copy", "from": "", "path": .string("/c\(index)")]) }
        let error = #expect(throws: Status.self) { try JSONPatch.apply(.array(operations), to: ["a": "text"]) }
        #expect(error?.code == 413)
    }

    // MARK: - Strategic merge patches

    private struct PodLike: PatchSchema {
        func field(_ name: String) -> PatchField? {
            switch name {
            case "spec": PatchField(child: self)
            case "containers": PatchField(strategy: .merge, mergeKey: "name", child: self)
            case "ports": PatchField(strategy: .merge, mergeKey: "port", child: self)
            case "volumes": PatchField(strategy: [.merge, .retainKeys], mergeKey: "name", child: self)
            case "strategy": PatchField(strategy: .retainKeys, child: self)
            case "finalizers": PatchField(strategy: .merge)
            default: nil
            }
        }
    }

    @Test func `a three-way patch has the form that kubectl apply sends`() throws {
        let original: JSON = [
            "spec": ["containers": [["name": "a", "image": "1"], ["name": "gone", "image": "1"]], "x": 1]
        ]
        let modified: JSON = ["spec": ["containers": [["name": "a", "image": "2"]]]]
        let current: JSON = [
            "spec": [
                "containers": [
                    ["name": "a", "image": "1", "policy": "p"], ["name": "gone", "image": "1"], ["name": "side"],
                ], "x": 1,
            ]
        ]
        let patch = StrategicMergePatch.create(
            original: original, modified: modified, current: current, schema: PodLike())
        #expect(
            patch == [
                "spec": [
                    "$setElementOrder/containers": [["name": "a"]],
                    "containers": [["name": "a", "image": "2"], ["$patch": "delete", "name": "gone"]], "x": nil,
                ]
            ])
        #expect(
            try StrategicMergePatch.apply(patch, to: current, schema: PodLike()) == [
                "spec": ["containers": [["name": "a", "image": "2", "policy": "p"], ["name": "side"]]]
            ])
    }

    @Test func `a union type is replaced with retainKeys`() throws {
        let before: JSON = ["strategy": ["type": "RollingUpdate", "rollingUpdate": ["maxSurge": 1]]]
        let after: JSON = ["strategy": ["type": "Recreate"]]
        let patch = StrategicMergePatch.create(original: after, modified: after, current: before, schema: PodLike())
        #expect(patch == ["strategy": ["type": "Recreate", "$retainKeys": ["type"]]])
        #expect(try StrategicMergePatch.apply(patch, to: before, schema: PodLike()) == after)
    }

    @Test func `a created strategic patch leads from one random object to the other`() throws {
        var seed = Seeded(state: 5)
        for _ in 0..<500 {
            let (before, after) = (randomPod(&seed), randomPod(&seed))
            let patch = StrategicMergePatch.create(from: before, to: after, schema: PodLike())
            let result = try StrategicMergePatch.apply(patch, to: before, schema: PodLike())
            #expect(result == after, "\(before.text)\n\(patch.text)")
        }
    }
    private func randomPod(_ seed: inout Seeded) -> JSON {
        func named(_ names: [String], _ seed: inout Seeded) -> [JSON] {
            var names = names.filter { _ in seed.below(2) == 0 }
            if seed.below(2) == 0 { names.reverse() }
            return names.map { ["name": .string($0)] }
        }
        var containers = named(["a", "b", "c", "d"], &seed)
        for index in containers.indices {
            containers[index]["image"] = JSON(seed.below(3))
            containers[index]["ports"] = .array(
                (0..<3).filter { _ in seed.below(2) == 0 }.map { ["port": JSON($0), "x": JSON(seed.below(2))] })
        }
        var volumes = named(["v", "w"], &seed)
        for index in volumes.indices {
            volumes[index][seed.below(2) == 0 ? "empty" : "host"] = ["p": JSON(seed.below(2))]
        }
        return [
            "spec": [
                "containers": .array(containers), "volumes": .array(volumes),
                "strategy": [seed.below(2) == 0 ? "k" : "l": 1],
            ],
            "finalizers": .array(named(["f", "g", "h"], &seed).map { $0["name"] }),
        ]
    }
}
