import Shared
import Testing

@testable import Master

/// Whole writes – decode, default, prepare, validate – against the answers of a real server.
struct WriteTests {
    /// The answer to a POST or PUT without a store: an object or a Status.
    private static func answer(_ request: JSON, old: JSON?) -> Result<JSON, Status>? {
        let path = expand(request["path"].string ?? "").split(separator: "/").map(String.init)
        guard path.count >= 3 else { return nil }
        let isCore = path[0] == "api"
        let group = isCore ? "" : path[1]
        let version = isCore ? path[1] : path[2]
        var rest = Array(path.dropFirst(isCore ? 2 : 3))
        var namespace = ""
        if rest.first == "namespaces", rest.count > 2, !["status", "finalize"].contains(rest[2]) {
            namespace = rest[1]
            rest.removeFirst(2)
        }
        let isUpdate = request["method"] == "PUT"
        guard rest.count == (isUpdate ? 2 : 1), !request["body"].isNull,
            let resource = Registry.builtIn.resource(group: group, version: version, plural: rest[0])
        else { return nil }
        let kind = GroupVersionKind(group: group, version: version, kind: resource.kind)
        do throws(Status) {
            var object = try Schema.decode(expand(request["body"]), as: kind, fieldValidation: .ignore).object
            if resource.isNamespaced, object["metadata"]["namespace"].isNull {
                object["metadata"]["namespace"] = .string(namespace)
            }
            let errors: [FieldError]
            if let old {
                resource.prepareForUpdate(&object, from: old)
                Defaults.apply(to: &object, resource)
                errors = Validation.update(object, old, resource)
            } else {
                object["metadata"]["uid"] = "8c5e1b1c-0000-4000-8000-000000000001"
                resource.prepareForCreate(&object)
                Defaults.apply(to: &object, resource)
                errors = Validation.create(object, resource)
            }
            if !errors.isEmpty {
                let name = object["metadata"]["name"].string ?? ""
                throw FieldError.status(errors, group: group, kind: resource.kind, name: name)
            }
            return .success(object)
        } catch {
            return .failure(error)
        }
    }

    /// Writes `<fill:c:N>` out.
    private static func expand(_ json: JSON) -> JSON {
        switch json {
        case .string(let text): return .string(expand(text))
        case .array(let items): return .array(items.map(expand))
        case .object(let members): return .object(JSON.Members(members.map { (expand($0.key), expand($0.value)) }))
        default: return json
        }
    }
    private static func expand(_ text: String) -> String {
        guard let start = text.firstRange(of: "<fill:") else { return text.replacing("{ns}", with: "ns") }
        let rest = text[start.upperBound...]
        guard let end = rest.firstIndex(of: ">"), let count = Int(rest[..<end].dropFirst(2)), let letter = rest.first
        else {
            return text
        }
        return expand(
            String(text[..<start.lowerBound]) + String(repeating: letter, count: count)
                + String(rest[rest.index(after: end)...]))
    }

    private static func causes(_ body: JSON) -> [String] {
        Set(body["details"]["causes"].items.map { "\($0["field"].string ?? "") \($0["reason"].string ?? "")" }).sorted()
    }

    @Test(.enabled(if: Golden.has("api.jsonl")), arguments: ["defaults", "validation", "verbs"])
    func `writes are refused for the reasons of a real server`(topic: String) {
        var rate = PassRate()
        for scenario in Golden.lines("api.jsonl") where scenario["topic"].string == topic && scenario["only120"] != true
        {
            var stored: JSON?
            for step in scenario["steps"].items {
                let request = step["request"]
                let method = request["method"].string ?? ""
                guard method == "POST" || method == "PUT", request["query"].isNull,
                    let code = step["response"]["status"].int,
                    [200, 201, 400, 422].contains(code), method == "POST" || stored != nil
                else { continue }
                guard let mine = WriteTests.answer(request, old: method == "PUT" ? stored : nil) else { continue }
                let body = step["response"]["body"]
                let id = scenario["id"].string ?? ""
                switch mine {
                case .success(let object):
                    rate.note(method, code < 300, "\(id) \(method): accepted, want \(code) \(WriteTests.causes(body))")
                    if code < 300 { stored = object }
                case .failure(let status):
                    let same = code == status.code && WriteTests.causes(body) == WriteTests.causes(status.json)
                    rate.note(
                        method, same,
                        "\(id) \(method): \(status.code) \(WriteTests.causes(status.json)) \(status.code == 400 ? status.message : ""), want \(code) \(WriteTests.causes(body))"
                    )
                }
            }
        }
        print("writes of \(topic):\n\(rate.summary)\n" + rate.failures.joined(separator: "\n"))
        #expect(rate.share > 0.85)
    }

    @Test(.enabled(if: Golden.has("api.jsonl")))
    func `defaults are those of a real server`() {
        var rate = PassRate()
        for scenario in Golden.lines("api.jsonl") where scenario["topic"] == "defaults" && scenario["only120"] != true {
            guard let step = scenario["steps"].items.first, step["response"]["status"] == 201,
                let mine = WriteTests.answer(step["request"], old: nil), case .success(let object) = mine
            else { continue }
            let wanted = step["response"]["body"]
            var misses: [String] = []
            WriteTests.compare(object, wanted, "", &misses)
            rate.note(
                wanted["kind"].string ?? "", misses.isEmpty, "\(scenario["id"].string ?? ""): \(misses.prefix(6))")
        }
        print("defaults:\n\(rate.summary)\n" + rate.failures.joined(separator: "\n"))
    }

    /// Every value of `wanted` that `mine` has otherwise; what the store and admission add is left out.
    private static func compare(_ mine: JSON, _ wanted: JSON, _ path: String, _ misses: inout [String]) {
        if let text = wanted.string, text.hasPrefix("<") { return }
        if [
            "clusterIP", "clusterIPs", "volumeMounts", "volumes", "tolerations", "status", "creationTimestamp",
            "finalizers", "namespace",
        ]
        .contains(where: { path.hasSuffix(".\($0)") }) {
            return
        }
        switch (mine, wanted) {
        case (_, .object(let members)):
            for member in members { compare(mine[member.key], member.value, "\(path).\(member.key)", &misses) }
        case (_, .array(let items)):
            for (index, item) in items.enumerated() { compare(mine[index], item, "\(path)[\(index)]", &misses) }
        default: if mine != wanted { misses.append("\(path): \(mine.encodedText) want \(wanted.encodedText)") }
        }
    }
}
