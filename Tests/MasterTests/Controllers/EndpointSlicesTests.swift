import Shared
import TestKit
import Testing

@testable import Master

struct EndpointSlicesTests {
    private static func target(_ name: String, ready: Bool = true, service: ClusterService = Sample.service())
        -> ServiceTarget?
    {
        let pod = Sample.pod(
            name, node: "n1", readySince: ready ? Sample.start : nil,
            ip: "10.0.0.\(name.utf8.reduce(0) { $0 &+ Int($1) })")
        return ServiceTarget(pod, of: service, family: .four, zone: "z1")
    }

    @Test func `an endpoint says ready, serving, terminating, node, zone and target`() {
        let service = Sample.service()
        var pod = Sample.pod("a", node: "n1", readySince: Sample.start, ip: "10.0.0.1")
        let ready = ServiceTarget(pod, of: service, family: .four, zone: "z1")?.endpoint
        #expect(ready?.addresses == ["10.0.0.1"])
        #expect(ready?.json["conditions"] == ["ready": true, "serving": true, "terminating": false])
        #expect(ready?.nodeName == "n1")
        #expect(ready?.json["zone"] == "z1")
        #expect(ready?.json.at("targetRef", "name") == "a")
        pod.metadata.deletionTimestamp = Sample.start
        let ending = ServiceTarget(pod, of: service, family: .four, zone: "")?.endpoint
        #expect(ending?.json["conditions"] == ["ready": false, "serving": true, "terminating": true])
        var open = service
        open.json["spec"]["publishNotReadyAddresses"] = true
        #expect(ServiceTarget(pod, of: open, family: .four, zone: "")?.endpoint.isReady == true)
    }

    @Test func `finished pods and pods without address are left out; without the named port a pod offers no port`() {
        let service = Sample.service()
        #expect(
            ServiceTarget(Sample.pod("a", phase: .failed, ip: "10.0.0.1"), of: service, family: .four, zone: "") == nil)
        #expect(ServiceTarget(Sample.pod("a"), of: service, family: .four, zone: "") == nil)
        #expect(ServiceTarget(Sample.pod("a", ip: "10.0.0.1"), of: service, family: .six, zone: "") == nil)
        let named = Sample.service(ports: [["port": 80, "targetPort": "http"]])
        var pod = Sample.pod("a", ip: "10.0.0.1")
        #expect(ServiceTarget(pod, of: named, family: .four, zone: "")?.ports.isEmpty == true)
        pod.json["spec"]["containers"] = [["name": "c", "ports": [["name": "http", "containerPort": 8080]]]]
        #expect(ServiceTarget(pod, of: named, family: .four, zone: "")?.ports.first?["port"] == 8080)
        pod.json["spec"]["containers"] = [
            ["name": "c", "ports": [["name": "http", "containerPort": 8080, "protocol": "UDP"]]]
        ]
        #expect(ServiceTarget(pod, of: named, family: .four, zone: "")?.ports.isEmpty == true)
    }

    @Test func `endpoints are meant for their own zone when the service wants that`() {
        var service = Sample.service()
        let pod = Sample.pod("a", node: "n1", ip: "10.0.0.1")
        func hints(_ zone: String) -> JSON {
            ServiceTarget(pod, of: service, family: .four, zone: zone)?.endpoint.json["hints"] ?? .null
        }
        #expect(hints("z1").isNull)
        service.json["spec"]["trafficDistribution"] = "PreferClose"
        #expect(hints("z1") == ["forZones": [["name": "z1"]]])
        #expect(hints("").isNull)
        service.json["spec"]["trafficDistribution"] = "PreferSameNode"
        #expect(hints("z1") == ["forZones": [["name": "z1"]], "forNodes": [["name": "n1"]]])
    }

    @Test func `endpoints written by hand are mirrored, and a second look changes nothing`() {
        var endpoints = Endpoints(name: "web", namespace: "default")
        endpoints.metadata.uid = "uid-endpoints"
        endpoints.json["subsets"] = [
            [
                "addresses": [["ip": "192.0.2.1"], ["ip": "2001:db8::1"]], "notReadyAddresses": [["ip": "192.0.2.2"]],
                "ports": [["port": 80]],
            ],
            ["addresses": [["ip": "192.0.2.3"]], "ports": [["port": 81, "name": "x"]]],
        ]
        let plan = MirrorPlan(endpoints, existing: [])
        #expect(plan.create.map(\.addressType) == ["IPv4", "IPv4", "IPv6"])
        #expect(plan.create[0].endpoints.map(\.isReady) == [true, false])
        #expect(plan.create.allSatisfy { $0.metadata.labels[EndpointSlice.managerLabel] == MirrorPlan.manager })
        let written = plan.create.enumerated().map { number, slice in
            var slice = slice
            slice.metadata.name = "web-\(number)"
            slice.metadata.uid = "uid-\(number)"
            return slice
        }
        let second = MirrorPlan(endpoints, existing: written)
        #expect(second.create.isEmpty && second.update.isEmpty && second.delete.isEmpty)
        endpoints.json["subsets"] = []
        #expect(MirrorPlan(endpoints, existing: written).delete.count == 3)
        var service = Sample.service()
        #expect(!MirrorPlan.concerns(endpoints, of: nil))
        service.json["spec"].remove("selector")
        #expect(MirrorPlan.concerns(endpoints, of: service))
        endpoints.metadata.labels[MirrorPlan.skipLabel] = "true"
        #expect(!MirrorPlan.concerns(endpoints, of: service))
    }

    @Test func `a service without endpoints keeps one empty slice`() {
        let plan = SlicePlan(service: Sample.service(), family: .four, targets: [], existing: [])
        #expect(plan.create.count == 1)
        #expect(plan.create.first?.endpoints.isEmpty == true)
        #expect(plan.create.first?.metadata.labels[EndpointSlice.serviceLabel] == "web")
        #expect(plan.create.first?.metadata.controller?.kind == "Service")
    }

    @Test(arguments: Seeds.tried().map { Seed($0) })
    func `the slices list every target once, none is too long, and a second look changes nothing`(seed: Seed) {
        var random = seed
        let service = Sample.service()
        var slices: [EndpointSlice] = []
        var names: Set<String> = []
        var born = 0
        for _ in 0..<12 {
            for _ in 0..<Int.random(in: 0...8, using: &random) {
                names.insert("p\(Int.random(in: 0..<40, using: &random))")
                if let gone = names.randomElement(using: &random), Bool.random(using: &random) { names.remove(gone) }
            }
            let port: JSON = ["port": JSON(Int.random(in: 80...81, using: &random)), "protocol": "TCP"]
            let current = Sample.service(ports: [port])
            let targets = names.compactMap { EndpointSlicesTests.target($0, service: current) }
            let plan = SlicePlan(service: service, family: .four, targets: targets, existing: slices, capacity: 5)
            EndpointSlicesTests.apply(plan, to: &slices, &born)
            let listed = slices.flatMap { $0.endpoints.map { $0.json.at("targetRef", "name").string ?? "" } }
            #expect(listed.sorted() == names.sorted(), "\(seed)")
            #expect(slices.allSatisfy { $0.endpoints.count <= 5 }, "\(seed)")
            #expect(!slices.isEmpty)
            let again = SlicePlan(service: service, family: .four, targets: targets, existing: slices, capacity: 5)
            #expect(again == SlicePlan.nothing, "\(seed)")
        }
    }

    private static func apply(_ plan: SlicePlan, to slices: inout [EndpointSlice], _ born: inout Int) {
        for slice in plan.delete { slices.removeAll { $0.name == slice.name } }
        for slice in plan.update {
            if let index = slices.firstIndex(where: { $0.name == slice.name }) { slices[index] = slice }
        }
        for var slice in plan.create {
            born += 1
            slice.metadata.name = "web-\(born)"
            slice.metadata.uid = "uid-\(born)"
            slices.append(slice)
        }
    }

    @Test func `subsets group addresses by the ports that they offer`() {
        let service = Sample.service(ports: [
            ["name": "a", "port": 80], ["name": "b", "port": 81, "targetPort": "m"],
        ])
        var one = Sample.pod("p1", readySince: Sample.start, ip: "10.0.0.1")
        one.json["spec"]["containers"] = [["name": "c", "ports": [["name": "m", "containerPort": 9]]]]
        let two = Sample.pod("p2", readySince: Sample.start, ip: "10.0.0.2")
        let targets = [two, one].compactMap { ServiceTarget($0, of: service, family: .four, zone: "") }
        let subsets = EndpointSubsets(targets).json
        #expect(subsets.count == 2)
        let first = subsets.first { $0["addresses"].items.count == 2 }
        #expect(first?["ports"] == [["name": "a", "port": 80, "protocol": "TCP"]])
        #expect(first?["addresses"].items.compactMap { $0["ip"].string } == ["10.0.0.1", "10.0.0.2"])
        let second = subsets.first { $0["addresses"].items.count == 1 }
        #expect(second?["ports"] == [["name": "b", "port": 9, "protocol": "TCP"]])
    }

    @Test func `addresses of pods that are not ready are listed apart`() {
        let targets = ["a", "b"].compactMap { EndpointSlicesTests.target($0, ready: $0 == "a") }
        let subset = EndpointSubsets(targets).json.first
        #expect(subset?["addresses"].items.count == 1)
        #expect(subset?["notReadyAddresses"].items.count == 1)
    }
}

extension SlicePlan {
    /// A plan that changes nothing.
    static let nothing: SlicePlan = {
        var plan = SlicePlan(service: Sample.service(), family: .four, targets: [], existing: [])
        plan.create = []
        return plan
    }()
}
