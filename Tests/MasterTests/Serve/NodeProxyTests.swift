import Shared
import Testing

@testable import Master

struct NodeProxyTests {
    @Test func `the path behind proxy is passed on as it was written`() {
        let pod = ProxyPath(target: "/api/v1/namespaces/ns/pods/p:80/proxy/a%2Fb/?x=1&y", isNamespaced: true)
        #expect(pod.prefix == "/api/v1/namespaces/ns/pods/p:80/proxy")
        #expect(pod.rest == "/a%2Fb/")
        #expect(pod.query == "?x=1&y")
        let node = ProxyPath(target: "/api/v1/nodes/n/proxy", isNamespaced: false)
        #expect(node.rest == "")
        #expect(node.prefix == "/api/v1/nodes/n/proxy")
        #expect(ProxyPath(target: "/api/v1/nodes/n/proxy/?q", isNamespaced: false).rest == "/")
    }

    @Test func `a redirect leads through the proxy again`() {
        let path = ProxyPath(target: "/api/v1/nodes/n/proxy/x", isNamespaced: false)
        #expect(path.location("/y") == "/api/v1/nodes/n/proxy/y")
        #expect(path.location("y") == "y")
        #expect(path.location("https://elsewhere/y") == "https://elsewhere/y")
        #expect(path.location("/api/v1/nodes/n/proxy/z") == "/api/v1/nodes/n/proxy/z")
    }

    @Test func `a place has a scheme, a name and a port`() throws {
        #expect(try #require(ProxyPlace("web")).name == "web")
        let full = try #require(ProxyPlace("https:web:8443"))
        #expect([full.scheme, full.name, full.port] == ["https", "web", "8443"])
        #expect(try #require(ProxyPlace("web:http")).port == "http")
        for text in ["", ":", "ftp:web:1", "a:b:c:d"] { #expect(ProxyPlace(text) == nil) }
    }

    static let wrong: [(Query, Int, String)] = [
        (["tailLines": "-1"], 422, "tailLines: Invalid value: -1: must be greater than or equal to 0"),
        (["sinceSeconds": "0"], 422, "sinceSeconds: Invalid value: 0: must be greater than 0"),
        (["limitBytes": "0"], 422, "limitBytes: Invalid value: 0: must be greater than 0"),
        (["tailLines": "x"], 400, "strconv.ParseInt: parsing \"x\": invalid syntax"),
        (["sinceTime": "now"], 400, "parsing time \"now\""),
        (["sinceTime": "2026-01-01T00:00:00Z", "sinceSeconds": "5"], 422, "at most one of"),
        (["tailLines": "-1", "limitBytes": "0"], 422, "is invalid: ["),
    ]
    @Test(arguments: wrong)
    func `parameters of a log that make no sense are refused`(query: Query, code: Int, words: String) {
        let status = #expect(throws: Status.self) { try LogQuery.check(query, pod: "p") }
        #expect(status?.code == code)
        #expect(status?.message.contains(words) == true, "\(status?.message ?? "")")
    }

    @Test func `good parameters pass`() throws {
        try LogQuery.check(["tailLines": "0", "limitBytes": "1", "sinceSeconds": "1", "follow": "true"], pod: "p")
    }
}

struct MetricsWindowTests {
    private func summary(cpu: Int, node: Int, at second: Int64) -> JSON {
        let time: JSON = .string(Timestamp(seconds: 1000 + second).rfc3339)
        return [
            "node": ["cpu": ["time": time, "usageCoreNanoSeconds": JSON(node)], "memory": ["workingSetBytes": 4096]],
            "pods": [
                [
                    "podRef": ["uid": "u"],
                    "containers": [
                        [
                            "name": "c", "startTime": .string(Timestamp(seconds: 990).rfc3339),
                            "cpu": ["time": time, "usageCoreNanoSeconds": JSON(cpu)],
                            "memory": ["workingSetBytes": 2048],
                        ]
                    ],
                ]
            ],
        ]
    }

    @Test func `the use of CPU is counted between two readings`() throws {
        let first = MetricsReading(summary(cpu: 1_000_000_000, node: 5_000_000_000, at: 0), taken: .seconds(0))
        let second = MetricsReading(summary(cpu: 3_000_000_000, node: 10_000_000_000, at: 10), taken: .seconds(10))
        #expect(MetricsWindow([first]) == nil)
        let window = try #require(MetricsWindow([first, second]))
        let node = try #require(window.node("n", labels: ["a": "b"]))
        #expect(node["usage"] == ["cpu": "500000000n", "memory": "4Ki"])
        #expect(node["window"] == "10.000s")
        #expect(node["metadata"]["labels"] == ["a": "b"])
        let key = ObjectKey(Pod.type.resource, namespace: "ns", name: "p")
        let pod = try #require(window.pod("u", key, labels: [:]))
        #expect(pod["containers"][0] == ["name": "c", "usage": ["cpu": "200000000n", "memory": "2Ki"]])
        #expect(window.pod("other", key, labels: [:]) == nil)
    }

    @Test func `a container that started since counts from its start`() throws {
        var before = summary(cpu: 0, node: 0, at: 0)
        before["pods"] = []
        let window = try #require(
            MetricsWindow([
                MetricsReading(before, taken: .seconds(0)),
                MetricsReading(summary(cpu: 2_000_000_000, node: 1, at: 10), taken: .seconds(10)),
            ]))
        let pod = try #require(window.pod("u", ObjectKey(Pod.type.resource, namespace: "ns", name: "p"), labels: [:]))
        #expect(pod["window"] == "20.000s")
        #expect(pod["containers"][0]["usage"]["cpu"] == "100000000n")
    }

    @Test func `only readings that are young are kept, and none of a silent node`() {
        let reading = MetricsReading(.null, taken: .seconds(0))
        let late = MetricsReading(.null, taken: .seconds(1000))
        #expect(MetricsReading.kept([reading], adding: late) == [late])
        #expect(MetricsReading.kept([reading], adding: nil) == [])
        var many: [MetricsReading] = []
        for index in 0..<100 {
            many = MetricsReading.kept(many, adding: MetricsReading(.null, taken: .milliseconds(index)))
        }
        #expect(many.count == Limits.metricsReadingsMax)
    }
}

struct PodPartTests {
    private let pod: JSON = [
        "spec": [
            "restartPolicy": "Always", "dnsPolicy": "ClusterFirst",
            "containers": [PodPartTests.container(["resources": ["requests": ["cpu": "1"]]])],
        ]
    ]
    private static func container(_ fields: JSON) -> JSON {
        var container: JSON = [
            "name": "c", "image": "i", "imagePullPolicy": "Always", "terminationMessagePolicy": "File",
        ]
        for (key, value) in fields.members { container[key] = value }
        return container
    }

    @Test func `ephemeral containers are added, and neither changed nor removed`() {
        var new = pod
        new["spec"]["ephemeralContainers"] = [PodPartTests.container(["name": "d", "targetContainerName": "c"])]
        #expect(Validation.ephemeralContainers(new, pod) == [])
        #expect(Storage.part("ephemeralcontainers", of: new, into: pod) == new)
        var changed = new
        changed["spec"]["ephemeralContainers"] = [PodPartTests.container(["name": "d", "image": "j"])]
        #expect(Validation.ephemeralContainers(changed, new).map(\.reason) == [.forbidden])
        #expect(Validation.ephemeralContainers(pod, new).map(\.reason) == [.forbidden])
        var bad = pod
        bad["spec"]["ephemeralContainers"] = [
            PodPartTests.container([:]),
            PodPartTests.container(["name": "e", "image": "", "ports": [["containerPort": 1, "protocol": "TCP"]]]),
            PodPartTests.container(["name": "f", "targetContainerName": "zzz"]),
        ]
        let reasons = Validation.ephemeralContainers(bad, pod).map(\.reason)
        #expect(Set(reasons) == [.duplicate, .required, .forbidden, .notFound])
    }

    @Test func `a resize touches resources only`() {
        var new = pod
        new["spec"]["containers"] = [
            PodPartTests.container(["image": "other", "resources": ["requests": ["cpu": "2"]]])
        ]
        let part = Storage.part("resize", of: new, into: pod)
        #expect(part["spec"]["containers"][0]["image"] == "i")
        #expect(part["spec"]["containers"][0]["resources"]["requests"]["cpu"] == "2")
        #expect(Validation.resize(part, pod) == [])
        var gone = pod
        gone["spec"]["containers"] = [PodPartTests.container([:])]
        #expect(!Validation.resize(gone, pod).isEmpty)
    }
}
