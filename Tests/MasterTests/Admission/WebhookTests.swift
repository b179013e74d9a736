import Shared
import Testing

@testable import Master

struct WebhookTests {
    private static let maps = "/api/v1/namespaces/team/configmaps"
    private static func map(_ name: String, _ labels: JSON = [:]) -> JSON {
        ["metadata": ["name": .string(name), "labels": labels], "data": ["a": "1"]]
    }
    private static func install(_ world: AdmissionWorld, _ kind: String, _ hooks: [JSON]) async throws {
        try await world.post(
            "/apis/admissionregistration.k8s.io/v1/\(kind)webhookconfigurations",
            ["metadata": ["name": .string("\(kind)-hooks")], "webhooks": .array(hooks)])
    }

    @Test func `a mutating webhook changes what is stored, and sees who asks`() async throws {
        let world = try await AdmissionWorld()
        let server = try WebhookServer { _, _ in
            WebhookServer.patch([["op": "add", "path": "/data/b", "value": "2"]])
        }
        try await WebhookTests.install(world, "mutating", [server.hook("add")])
        let made = try await world.post(WebhookTests.maps, WebhookTests.map("a"))
        #expect(made["data"] == ["a": "1", "b": "2"])
        let review = try #require(server.reviews.first?.request)
        #expect(review["operation"] == "CREATE")
        #expect(review["kind"] == ["group": "", "version": "v1", "kind": "ConfigMap"])
        #expect(review["resource"]["resource"] == "configmaps")
        #expect(review["namespace"] == "team")
        #expect(review["userInfo"]["username"] == "admin")
        #expect(review["object"]["metadata"]["name"] == "a")
        #expect(review["options"]["kind"] == "CreateOptions")
        #expect(review["dryRun"] == false)
        await server.stop()
    }

    @Test func `a validating webhook refuses with its own words and code, and warns`() async throws {
        let world = try await AdmissionWorld()
        let server = try WebhookServer { _, request in
            request["object"]["metadata"]["name"] == "bad"
                ? ["allowed": false, "status": ["message": "bad name", "code": 409, "reason": "Conflict"]]
                : ["allowed": true, "warnings": ["mind the gap"]]
        }
        try await WebhookTests.install(world, "validating", [server.hook("judge")])
        let refusal = try await world.refusal(WebhookTests.maps, WebhookTests.map("bad"))
        #expect(refusal?.message == "admission webhook \"judge.example.com\" denied the request: bad name")
        #expect(refusal?.code == 409)
        let taken = try await world.send("POST", WebhookTests.maps, WebhookTests.map("good"))
        #expect(taken.status == 201)
        #expect(taken.headers["Warning"] == "299 - \"mind the gap\"")
        await server.stop()
    }

    @Test func `selectors and rules choose what a webhook is asked about`() async throws {
        let world = try await AdmissionWorld()
        let server = try WebhookServer { _, _ in ["allowed": false] }
        try await WebhookTests.install(
            world, "validating",
            [
                server.hook("labelled", more: ["objectSelector": ["matchLabels": ["check": "yes"]]]),
                server.hook(
                    "elsewhere", more: ["namespaceSelector": ["matchLabels": ["kubernetes.io/metadata.name": "x"]]]),
                server.hook("secrets", resources: ["secrets"]),
            ])
        #expect(try await world.refusal(WebhookTests.maps, WebhookTests.map("a")) == nil)
        let refusal = try await world.refusal(WebhookTests.maps, WebhookTests.map("b", ["check": "yes"]))
        #expect(
            refusal?.message == "admission webhook \"labelled.example.com\" denied the request without explanation")
        #expect(refusal?.code == 400)
        #expect(server.reviews.count == 1)
        await server.stop()
    }

    @Test func `a webhook that cannot be reached fails as its policy says`() async throws {
        let world = try await AdmissionWorld()
        let server = try WebhookServer { _, _ in ["allowed": true] }
        await server.stop()
        try await WebhookTests.install(world, "validating", [server.hook("gone", more: ["failurePolicy": "Ignore"])])
        #expect(try await world.refusal(WebhookTests.maps, WebhookTests.map("a")) == nil)
        try await WebhookTests.install(world, "mutating", [server.hook("strict")])
        let refusal = try await world.refusal(WebhookTests.maps, WebhookTests.map("b"))
        #expect(refusal?.code == 500)
        #expect(
            refusal?.message.hasPrefix(
                "Internal error occurred: failed calling webhook \"strict.example.com\": failed to call webhook: Post \"https://127.0.0.1:\(server.port)/?timeout=10s\":"
            ) == true)
    }

    @Test func `a webhook that takes too long is not waited for`() async throws {
        let world = try await AdmissionWorld()
        let server = try WebhookServer { _, _ in
            try? await SystemClock().sleep(for: .seconds(20))
            return ["allowed": true]
        }
        try await WebhookTests.install(world, "validating", [server.hook("slow", more: ["timeoutSeconds": 1])])
        let refusal = try await world.refusal(WebhookTests.maps, WebhookTests.map("a"))
        #expect(refusal?.message.hasSuffix("?timeout=1s\": context deadline exceeded") == true)
        await server.stop()
    }

    @Test func `a webhook that asks for it sees what later ones have changed`() async throws {
        let world = try await AdmissionWorld()
        let server = try WebhookServer { path, request in
            if path == "/second" { return WebhookServer.patch([["op": "add", "path": "/data/second", "value": "1"]]) }
            guard !request["object"]["data"]["second"].isNull else { return ["allowed": true] }
            return WebhookServer.patch([["op": "add", "path": "/data/seen", "value": "1"]])
        }
        let watching = server.hook("a", path: "/first", more: ["reinvocationPolicy": "IfNeeded"])
        try await WebhookTests.install(world, "mutating", [watching, server.hook("b", path: "/second")])
        let made = try await world.post(WebhookTests.maps, WebhookTests.map("a"))
        #expect(server.reviews.map(\.path) == ["/first", "/second", "/first"])
        #expect(made["data"]["seen"].isNull == false)
        await server.stop()
    }

    @Test func `dry runs are told, and webhooks with side effects are left out of them`() async throws {
        let world = try await AdmissionWorld()
        let server = try WebhookServer { _, _ in ["allowed": true] }
        try await WebhookTests.install(
            world, "validating", [server.hook("dry", more: ["sideEffects": "NoneOnDryRun"])])
        try await world.post(WebhookTests.maps, WebhookTests.map("a"), query: ["dryRun": "All"])
        #expect(server.reviews.first?.request["dryRun"] == true)
        #expect(server.reviews.first?.request["options"]["dryRun"] == ["All"])
        await server.stop()
        let some = Webhook(["name": "x", "sideEffects": "Some"], configuration: "c")
        #expect(some.hasSideEffects)
    }

    @Test func `a service of the cluster is asked at its endpoints under its own name`() async throws {
        let world = try await AdmissionWorld()
        let server = try WebhookServer { _, _ in ["allowed": false, "status": ["message": "no"]] }
        try await world.post(
            "/api/v1/namespaces/team/services",
            ["metadata": ["name": "hook"], "spec": ["ports": [["port": 443]]]])
        try await world.post(
            "/apis/discovery.k8s.io/v1/namespaces/team/endpointslices",
            [
                "metadata": ["name": "hook-1", "labels": ["kubernetes.io/service-name": "hook"]],
                "addressType": "IPv4", "endpoints": [["addresses": ["127.0.0.2"]]],
                "ports": [["name": "", "port": JSON(server.port), "protocol": "TCP"]],
            ])
        let places = ServicePlaces.find(
            service: try await world.client.call("GET", "/api/v1/namespaces/team/services/hook"),
            slices: [
                try await world.client.call("GET", "/apis/discovery.k8s.io/v1/namespaces/team/endpointslices/hook-1")
            ],
            port: 443)
        #expect(places.first?.host == "127.0.0.2")
        #expect(places.first?.port == server.port)
        #expect(places.count == 2)
        await server.stop()
    }

    @Test func `a wrong answer is a failed call`() throws {
        let answer: JSON = [
            "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": ["uid": "b", "allowed": true],
        ]
        #expect(throws: AdmissionReview.Broken.self) {
            try AdmissionReview.verdict(answer, uid: "a", version: "v1")
        }
        #expect(try AdmissionReview.verdict(answer, uid: "b", version: "v1").isAllowed)
        var patched = answer
        patched["response"]["patch"] = "W10="
        #expect(throws: AdmissionReview.Broken.self) {
            try AdmissionReview.verdict(patched, uid: "b", version: "v1")
        }
    }

    @Test func `addresses of webhooks are taken apart`() {
        #expect(WebhookCaller.address("https://a.b:8443/x/y") == WebhookCaller.address("https://a.b:8443/x/y"))
        #expect(WebhookCaller.address("https://a.b")?.port == 443)
        #expect(WebhookCaller.address("https://a.b")?.target == "/")
        #expect(WebhookCaller.address("https://[::1]:9/z")?.host == "::1")
        for text in ["http://a", "https://", "https://a:b", "https://a:0", "https://[::1"] {
            #expect(WebhookCaller.address(text) == nil)
        }
    }

    @Test func `policies that would be ignored are not taken`() async throws {
        let world = try await AdmissionWorld()
        let refusal = try await world.refusal(
            "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies",
            ["metadata": ["name": "p"], "spec": ["validations": [["expression": "true"]]]])
        #expect(refusal?.code == 422)
        #expect(refusal?.message.contains("use a ValidatingWebhookConfiguration") == true)
    }
}
