import Shared
import TestKit
import Testing

/// Source: the endpoints, endpointslice and endpointslicemirroring controllers.
struct EndpointScenarios {
    private static let manager = "endpointslice-controller.k8s.io"
    private static let mirror = "endpointslicemirroring-controller.k8s.io"

    private static func address(_ pod: String) -> JSON {
        ["ip": .string("<ip:\(pod)>"), "nodeName": true, "target": .string("Pod/\(pod)")]
    }
    private static func endpoints(_ subsets: [JSON], labels: JSON = .null) -> JSON {
        var object: JSON = ["name": "web", "subsets": .array(subsets)]
        object.set("labels", labels.isNull ? nil : labels)
        return object
    }
    private static func subset(_ pods: [String], _ ports: JSON, list: String = "addresses") -> JSON {
        var subset: JSON = ["ports": ports]
        subset[list] = .array(pods.map(address))
        return subset
    }
    private static func endpoint(_ pod: String, ready: Bool = true) -> JSON {
        [
            "addresses": [.string("<ip:\(pod)>")], "conditions": ["ready": .bool(ready)],
            "target": .string("Pod/\(pod)"), "topologyKeys": ["kubernetes.io/hostname"],
        ]
    }
    private static func slice(
        _ endpoints: [JSON], _ ports: JSON, labels: JSON = [:], manager: String = manager,
        owner: String = "Service/web", family: String = "IPv4"
    ) -> JSON {
        var all: JSON = [
            "endpointslice.kubernetes.io/managed-by": .string(manager), "kubernetes.io/service-name": "web",
        ]
        for (key, value) in labels.members { all[key] = value }
        return [
            "addressType": .string(family), "endpoints": .array(endpoints), "labels": all, "name": "web-*",
            "owners": [.string("\(owner)!^")], "ports": ports,
        ]
    }
    private static let port: JSON = [["port": 80, "protocol": "TCP"]]
    private static let slicePort: JSON = [["name": "", "port": 80, "protocol": "TCP"]]

    @Test func `pods that have a named port at different numbers are told apart`() async throws {
        func offering(_ number: Int) -> JSON { ["ports": [["name": "http", "containerPort": JSON(number)]]] }
        func ports(_ number: Int) -> JSON { [["port": JSON(number), "protocol": "TCP"]] }
        func named(_ number: Int) -> JSON { [["name": "", "port": JSON(number), "protocol": "TCP"]] }
        var scenario = Scenario("endpoints")
        scenario.step(
            [
                Scenario.create(Scenario.pod("p1", container: offering(8080))),
                Scenario.create(Scenario.pod("p2", container: offering(9090))),
                Scenario.create(Scenario.service(spec: ["ports": [["port": 80, "targetPort": "http"]]])),
            ],
            [
                "Endpoints": [
                    Self.endpoints([Self.subset(["p1"], ports(8080)), Self.subset(["p2"], ports(9090))])
                ],
                "EndpointSlice": [
                    Self.slice([Self.endpoint("p1")], named(8080)), Self.slice([Self.endpoint("p2")], named(9090)),
                ], "events": [],
            ])
        try await scenario.play()
    }

    @Test func `a headless service without ports lists its pods`() async throws {
        let labels: JSON = ["service.kubernetes.io/headless": ""]
        var scenario = Scenario("endpoints")
        scenario.step(
            [
                Scenario.create(Scenario.pod("p1")),
                Scenario.create(Scenario.service(spec: ["clusterIP": "None", "ports": nil])),
            ],
            [
                "Endpoints": [Self.endpoints([["addresses": [Self.address("p1")]]], labels: labels)],
                "EndpointSlice": [Self.slice([Self.endpoint("p1")], [], labels: labels)],
            ])
        try await scenario.play()
    }

    @Test func `endpoints written by hand are mirrored with their labels, a slice for each family and set of ports`()
        async throws
    {
        func mirrored(_ address: String, _ ports: JSON, family: String = "IPv4") -> JSON {
            Self.slice(
                [["addresses": [.string(address)], "conditions": ["ready": true]]], ports, labels: ["a": "b"],
                manager: Self.mirror, owner: "Endpoints/web", family: family)
        }
        var scenario = Scenario("endpoints")
        scenario.step(
            [
                Scenario.create(Scenario.service(spec: ["selector": nil])),
                Scenario.create([
                    "kind": "Endpoints", "metadata": ["name": "web", "labels": ["a": "b"]],
                    "subsets": [
                        ["addresses": [["ip": "192.0.2.7"], ["ip": "2001:db8::7"]], "ports": [["port": 80]]],
                        ["addresses": [["ip": "192.0.2.9"]], "ports": [["port": 81, "name": "x"]]],
                    ],
                ]),
            ],
            [
                "EndpointSlice": [
                    mirrored("192.0.2.7", Self.slicePort), mirrored("2001:db8::7", Self.slicePort, family: "IPv6"),
                    mirrored("192.0.2.9", [["name": "x", "port": 81, "protocol": "TCP"]]),
                ], "events": [],
            ])
        scenario.step([Scenario.delete("Endpoints", "web")], ["Endpoints": [], "EndpointSlice": [], "events": []])
        try await scenario.play()
    }

    @Test func `without its selector a service keeps what it had, and that is mirrored`() async throws {
        let own = Self.slice([Self.endpoint("p1")], Self.slicePort)
        let mirrored = Self.slice(
            [Self.endpoint("p1")], Self.slicePort, manager: Self.mirror, owner: "Endpoints/web")
        let endpoints = Self.endpoints([Self.subset(["p1"], Self.port)])
        var scenario = Scenario("endpoints")
        scenario.step(
            [Scenario.create(Scenario.pod("p1")), Scenario.create(Scenario.service())],
            ["Endpoints": [endpoints], "EndpointSlice": [own], "events": []])
        scenario.step(
            [Scenario.patch("Service", "web", ["spec": ["selector": nil]])],
            ["Endpoints": [endpoints], "EndpointSlice": [own, mirrored], "events": []])
        try await scenario.play()
    }

    @Test func `pods that are not ready are published for as long as the service wants it`() async throws {
        var scenario = Scenario("endpoints")
        func expect(_ actions: [JSON], ready: Bool) {
            let list = ready ? "addresses" : "notReadyAddresses"
            scenario.step(
                actions,
                [
                    "Endpoints": [Self.endpoints([Self.subset(["p1"], Self.port, list: list)])],
                    "EndpointSlice": [Self.slice([Self.endpoint("p1", ready: ready)], Self.slicePort)], "events": [],
                ])
        }
        func publish(_ wish: Bool) -> JSON {
            Scenario.patch("Service", "web", ["spec": ["publishNotReadyAddresses": .bool(wish)]])
        }
        expect(
            [Scenario.create(Scenario.pod("p1", image: "notready:1")), Scenario.create(Scenario.service())],
            ready: false)
        expect([publish(true)], ready: true)
        expect([publish(false)], ready: false)
        try await scenario.play()
    }
}
