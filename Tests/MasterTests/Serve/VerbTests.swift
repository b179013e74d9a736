import Shared
import TestKit
import Testing

@testable import Master

struct VerbTests {
    private static let maps = "/api/v1/namespaces/team/configmaps"

    private static func world(_ names: [String]) async throws -> AdmissionWorld {
        let world = try await AdmissionWorld()
        for name in names { try await world.post(maps, ["metadata": ["name": .string(name)]]) }
        return world
    }
    private static func names(_ list: JSON) -> [String] {
        list["items"].items.compactMap { $0["metadata"]["name"].string }
    }

    @Test func `pages of one list show one moment, whatever is written in between`() async throws {
        let world = try await VerbTests.world(["a", "b", "c", "d", "e"])
        let first = try await world.client.call("GET", VerbTests.maps, query: ["limit": "2"])
        #expect(VerbTests.names(first) == ["a", "b"])
        #expect(first["metadata"]["remainingItemCount"] == 3)
        _ = try await world.client.call("DELETE", VerbTests.maps + "/c")
        try await world.post(VerbTests.maps, ["metadata": ["name": "bb"]])
        let token = try #require(first["metadata"]["continue"].string)
        let second = try await world.client.call("GET", VerbTests.maps, query: ["limit": "2", "continue": token])
        #expect(VerbTests.names(second) == ["c", "d"])
        #expect(second["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"])
        let latest = ContinueToken(revision: nil, start: "team/b\0").text
        let fresh = try await world.client.call("GET", VerbTests.maps, query: ["continue": latest])
        #expect(VerbTests.names(fresh) == ["bb", "d", "e"])
    }

    @Test(arguments: [
        (
            "garbage",
            "invalid continue token: continue key is not valid: invalid character '\\u0081' looking for beginning of value"
        ),
        (
            "e30",
            "invalid continue token: continue key is not valid: server does not recognize this encoded version \"\""
        ),
    ])
    func `a token that is none is refused`(token: String, message: String) {
        let error = #expect(throws: Status.self) { try ContinueToken(token) }
        #expect(error?.message == message)
        #expect(error?.code == 400)
    }

    @Test func `parameters that contradict each other are invalid`() throws {
        let lonely = #expect(throws: Status.self) {
            try ListParameters(["resourceVersionMatch": "Exact"], isWatch: false)
        }
        #expect(lonely?.code == 422)
        #expect(lonely?.causes.first?.field == "resourceVersionMatch")
        #expect(throws: Status.self) { try ListParameters(["sendInitialEvents": "true"], isWatch: true) }
        #expect(throws: Status.self) { try ListParameters(["timeoutSeconds": "x"], isWatch: true) }
        let streaming = try ListParameters(
            ["sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"], isWatch: true)
        #expect(streaming.sendsInitialEvents == true)
    }

    @Test(arguments: [
        ("x=1=2", "found '=', expected: ',' or 'end of string'"),
        ("x in", "unable to parse requirement: found '' expected: '('"),
        ("x in (1", "unable to parse requirement: found '', expected: ',' or ')'"),
        ("=1", "found '=', expected: !, identifier, or 'end of string'"),
        ("!", "unable to parse requirement: found '', expected: identifier"),
        ("x>a", "unable to parse requirement: for 'Gt', 'Lt' operators, the value must be an integer"),
        ("x,,y", "found ',', expected: identifier after ','"),
    ])
    func `a label selector that does not parse is told as by a real server`(text: String, message: String) {
        let error = #expect(throws: Status.self) { try LabelSelector(parsing: text) }
        #expect(error?.message == message)
    }

    @Test func `all forms of label selectors are read`() throws {
        let labels = ["a": "1", "tier": "web", "n": "5", "e": ""]
        for text in [
            "a=1", "a==1", "a!=2", "a in (1, 2)", "tier notin (db)", "a", "!x", "n>4,n<6", "in notin (x)", "e in ()",
            "e=",
        ] {
            #expect(try LabelSelector(parsing: text).matches(labels), "\(text)")
        }
        for text in ["a=2", "a notin (1)", "!a", "n>5", "x in (1)"] {
            #expect(try !LabelSelector(parsing: text).matches(labels), "\(text)")
        }
    }

    @Test func `field selectors keep to the fields of their resource`() async throws {
        let world = try await VerbTests.world(["a", "b"])
        let found = try await world.client.call(
            "GET", VerbTests.maps, query: ["fieldSelector": "metadata.name!=a,metadata.namespace=team"])
        #expect(VerbTests.names(found) == ["b"])
        for (path, field, message) in [
            (
                VerbTests.maps, "data=1",
                "\"data\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
            ),
            (AdmissionWorld.pods, "spec.foo=1", "field label not supported: spec.foo"),
            (VerbTests.maps, "metadata.name=a=b", "invalid field selector: unescaped character in value: 61"),
            (
                VerbTests.maps, "metadata.name>1",
                "invalid selector: 'metadata.name>1'; can't understand 'metadata.name>1'"
            ),
        ] {
            let error = await #expect(throws: Status.self) {
                try await world.client.call("GET", path, query: ["fieldSelector": field])
            }
            #expect(error?.message == message)
        }
    }

    @Test func `answers come in the form that is liked best`() async throws {
        let world = try await VerbTests.world(["a"])
        let yaml = try await world.send(
            "GET", VerbTests.maps + "/a", nil,
            headers: ["Accept": "application/json;q=0.1, application/yaml;q=0.9"])
        #expect(yaml.headers["Content-Type"] == "application/yaml")
        #expect(String(decoding: yaml.body, as: UTF8.self).hasPrefix("apiVersion: v1\nkind: ConfigMap\n"))
        let pretty = try await world.send("GET", VerbTests.maps + "/a", nil, query: ["pretty": "true"])
        #expect(String(decoding: pretty.body, as: UTF8.self).hasPrefix("{\n  \"kind\": \"ConfigMap\",\n"))
        for (accept, message) in [
            ("text/html", "406: Not Acceptable"),
            (
                "application/json;as=Foo;g=meta.k8s.io;v=v1",
                "only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf"
            ),
            (
                "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
                "you requested PartialObjectMetadataList, but the requested object is not a list (*core.ConfigMap)"
            ),
        ] {
            let answer = try await world.send("GET", VerbTests.maps + "/a", nil, headers: ["Accept": accept])
            #expect(answer.status == 406)
            #expect(try JSON(parsing: answer.body)["message"].string == message)
        }
    }

    @Test func `paths that name nothing are not found, and those that do not take a method say so`() async throws {
        let world = try await VerbTests.world(["a"])
        for (method, path, status) in [
            ("GET", "/api/v1/configmaps/a", 404), ("GET", "/api/v1//namespaces/team/configmaps", 404),
            ("GET", VerbTests.maps + "/a/foo", 404), ("GET", VerbTests.maps + "/a/status", 404),
            ("POST", "/api/v1/configmaps", 405), ("PATCH", VerbTests.maps, 405), ("DELETE", "/api/v1/namespaces", 405),
            ("GET", VerbTests.maps + "/", 200), ("GET", "/apis/none.example.com/v1/things", 404),
        ] {
            let answer = try await world.send(method, path, method == "GET" ? nil : [:])
            #expect(answer.status == status, "\(method) \(path)")
        }
        let plain = try await world.send("GET", "/apis/none.example.com/v1/things", nil)
        #expect(String(decoding: plain.body, as: UTF8.self) == "404 page not found\n")
    }

    @Test func `deletions mind their preconditions and options`() async throws {
        let world = try await VerbTests.world(["a"])
        let other = await #expect(throws: Status.self) {
            try await world.client.call(
                "DELETE", VerbTests.maps + "/a",
                body: ["preconditions": ["uid": "00000000-0000-0000-0000-000000000001"]])
        }
        #expect(other?.code == 409)
        #expect(other?.kind == "ConfigMap")
        let policy = await #expect(throws: Status.self) {
            try await world.client.call("DELETE", VerbTests.maps + "/a", body: ["propagationPolicy": "Foo"])
        }
        #expect(policy?.causes.first?.reason == "FieldValueNotSupported")
        _ = try await world.client.call("DELETE", VerbTests.maps + "/a", body: ["dryRun": ["All"]])
        #expect(try await world.client.call("GET", VerbTests.maps + "/a")["kind"] == "ConfigMap")
        let huge = try DeletionPlan.Options(["gracePeriodSeconds": JSON.int(.max)], [:])
        #expect(huge.graceSeconds == Limits.graceSecondsMax)
    }

    @Test func `a job leaves its pods unless it is told to take them`() {
        let jobs = Registry.builtIn.resource(group: "batch", kind: "Job")
        #expect(jobs?.strategy.orphansDependents == true)
        guard let jobs else { return }
        let job: JSON = ["kind": "Job", "apiVersion": "batch/v1", "metadata": ["name": "j"]]
        guard case .mark(let marked) = DeletionPlan.make(job, jobs, .init(), now: Timestamp(seconds: 1)) else {
            Issue.record("the job went at once")
            return
        }
        #expect(marked["metadata"]["finalizers"] == ["orphan"])
    }

    @Test func `bodies may leave out what the path says, and nothing else`() async throws {
        let world = try await VerbTests.world([])
        try await world.post(VerbTests.maps, ["metadata": ["name": "x"]])
        for (body, message) in [
            (
                ["apiVersion": "v1", "kind": "ConfigMapList", "items": []] as JSON,
                "ConfigMapList in version \"v1\" cannot be handled as a ConfigMap: converting (v1.ConfigMapList) to (core.ConfigMap): unknown conversion"
            ),
            (
                ["apiVersion": "apps/v1", "kind": "Deployment"],
                "Deployment in version \"v1\" cannot be handled as a ConfigMap: converting (v1.Deployment) to (core.ConfigMap): unknown conversion"
            ),
        ] {
            #expect(try await world.refusal(VerbTests.maps, body)?.message == message)
        }
        let unnamed = await #expect(throws: Status.self) {
            try await world.client.call("PUT", VerbTests.maps + "/x", body: ["data": ["a": "1"]])
        }
        #expect(unnamed?.message == "the name of the object (x based on URL) was undeterminable: name must be provided")
        let large = try await world.send(
            "POST", VerbTests.maps, ["data": ["a": .string(String(repeating: "a", count: 3_200_000))]])
        #expect(large.status == 413)
    }

    @Test func `what comes above the bounds is told to come back`() throws {
        let gate = InFlight(.init(reads: 1, writes: 1, watches: 0))
        try gate.enter(.read, isExempt: false)
        let refusal = #expect(throws: Status.self) { try gate.enter(.read, isExempt: false) }
        #expect(refusal?.code == 429)
        #expect(refusal?.retryAfterSeconds == 1)
        try gate.enter(.read, isExempt: true)
        gate.leave(.read)
        gate.leave(.read)
        try gate.enter(.read, isExempt: false)
        #expect(throws: Status.self) { try gate.enter(.watch, isExempt: false) }
    }

    @Test func `a watch that lists ends its beginning with a bookmark, and every watch ends with one`() async throws {
        let world = try await VerbTests.world(["a"])
        let answer = try await world.send(
            "GET", VerbTests.maps, nil,
            query: [
                "watch": "1", "sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan",
                "allowWatchBookmarks": "true", "timeoutSeconds": "1",
            ])
        let frames = try answer.body.split(separator: UInt8(ascii: "\n")).map { try JSON(parsing: Array($0)) }
        #expect(frames.map { $0["type"].string } == ["ADDED", "BOOKMARK", "BOOKMARK"])
        #expect(frames[1]["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"] == "true")
        #expect(frames[2]["object"]["kind"] == "ConfigMap")
    }

    @Test func `a watch from before the kept history ends with an error frame`() async throws {
        let world = try await VerbTests.world(["a"])
        let future = try await world.send(
            "GET", VerbTests.maps, nil, query: ["watch": "1", "resourceVersion": "99999999", "timeoutSeconds": "1"])
        #expect(future.status == 200)
        #expect(future.body.isEmpty)
    }
}
