import Shared
import TestKit
import Testing

@testable import Master

/// Definitions of custom resources from the first word to the last.
struct CustomResourceTests {
    private static func definition(
        _ plural: String = "widgets", kind: String = "Widget", group: String = "example.com", versions: [JSON]? = nil
    ) -> JSON {
        let schema: JSON = [
            "type": "object",
            "properties": [
                "spec": [
                    "type": "object",
                    "properties": [
                        "size": ["type": "integer", "minimum": 1, "default": 3], "color": ["type": "string"],
                        "replicas": ["type": "integer"],
                    ],
                    "x-kubernetes-validations": [
                        ["rule": "!has(oldSelf.color) || self.color == oldSelf.color", "message": "color is fixed"]
                    ],
                ],
                "status": ["type": "object", "x-kubernetes-preserve-unknown-fields": true],
            ],
        ]
        let version: JSON = [
            "name": "v1", "served": true, "storage": true, "schema": ["openAPIV3Schema": schema],
            "subresources": [
                "status": [:],
                "scale": ["specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"],
            ],
            "selectableFields": [["jsonPath": ".spec.color"]],
            "additionalPrinterColumns": [["name": "Size", "type": "integer", "jsonPath": ".spec.size"]],
        ]
        return [
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": ["name": .string("\(plural).\(group)")],
            "spec": [
                "group": .string(group), "scope": "Namespaced",
                "names": [
                    "plural": .string(plural), "kind": .string(kind), "shortNames": ["wd"], "categories": ["all"],
                ],
                "versions": .array(versions ?? [version]),
            ],
        ]
    }
    private static let definitions = CustomResourceDefinition.type.path()
    private static let collection = "/apis/example.com/v1/namespaces/default/widgets"
    private static func widget(_ name: String, _ spec: JSON) -> JSON {
        [
            "apiVersion": "example.com/v1", "kind": "Widget", "metadata": ["name": .string(name)], "spec": spec,
        ]
    }
    private static func refusal(_ body: () async throws -> Void) async throws -> Status? {
        do {
            try await body()
            return nil
        } catch let status as Status { return status }
    }

    @Test func `a definition is served at once, with its rules, and goes with its objects`() async throws {
        try await InProcessCluster.with(nodes: 0) { cluster in
            let client = cluster.client
            let collection = CustomResourceTests.collection
            _ = try await client.call("POST", CustomResourceTests.definitions, body: CustomResourceTests.definition())
            try await cluster.settle()
            let groups = try await client.call("GET", "/apis")["groups"].items.compactMap { $0["name"].string }
            #expect(groups.contains("example.com"))
            let resources = try await client.call("GET", "/apis/example.com/v1")["resources"].items
            #expect(resources.map { $0["name"].string ?? "" } == ["widgets", "widgets/scale", "widgets/status"])
            #expect(resources.first?["shortNames"] == ["wd"])
            let openAPI = try await client.call("GET", "/openapi/v3/apis/example.com/v1")
            let schema = openAPI["components"]["schemas"]["com.example.v1.Widget"]
            #expect(schema.at("properties", "spec", "properties", "size", "type") == "integer")

            let made = try await client.call(
                "POST", collection, body: CustomResourceTests.widget("a", ["color": "red", "unknown": 1]))
            #expect(made["spec"] == ["color": "red", "size": 3])
            #expect(Object(made).metadata.generation == 1)
            let tooSmall = try await CustomResourceTests.refusal {
                _ = try await client.call("POST", collection, body: CustomResourceTests.widget("b", ["size": 0]))
            }
            #expect(
                tooSmall?.causes.map { "\($0.field): \($0.message)" } == [
                    "spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1",
                    "<nil>: Invalid value: \"null\": some validation rules were not checked because the object was invalid; correct the existing errors to complete validation",
                ])
            let recolored = try await CustomResourceTests.refusal {
                _ = try await client.call(
                    "PATCH", "\(collection)/a", body: ["spec": ["color": "blue"]],
                    contentType: "application/merge-patch+json")
            }
            #expect(recolored?.message.hasSuffix("spec: Invalid value: \"object\": color is fixed") == true)

            let status = try await client.call(
                "PATCH", "\(collection)/a/status", body: ["spec": ["size": 9], "status": ["ready": true]],
                contentType: "application/merge-patch+json")
            #expect(status["spec"]["size"] == 3 && status["status"]["ready"] == true)
            #expect(Object(status).metadata.generation == 1)
            _ = try await client.call("POST", collection, body: CustomResourceTests.widget("c", ["color": "blue"]))
            let blue = try await client.call("GET", collection, query: ["fieldSelector": "spec.color=blue"])
            #expect(blue["items"].items.map { Object($0).name } == ["c"])
            _ = try await client.call(
                "PATCH", "\(collection)/a", body: ["spec": ["replicas": 2]],
                contentType: "application/merge-patch+json")
            let scale = try await client.call(
                "PATCH", "\(collection)/a/scale", body: ["spec": ["replicas": 4]],
                contentType: "application/merge-patch+json")
            #expect(scale["kind"] == "Scale" && scale["spec"]["replicas"] == 4)
            let negative = try await CustomResourceTests.refusal {
                _ = try await client.call(
                    "PATCH", "\(collection)/a/scale", body: ["spec": ["replicas": -1]],
                    contentType: "application/merge-patch+json")
            }
            #expect(negative?.causes.first?.field == ".spec.replicas")
            let table = try await client.call(
                "GET", collection, accept: "application/json;as=Table;v=v1;g=meta.k8s.io")
            #expect(table["columnDefinitions"].items.compactMap { $0["name"].string } == ["Name", "Size"])
            #expect(table["rows"].items.first?["cells"] == ["a", 3])

            _ = try await client.call("DELETE", "\(CustomResourceTests.definitions)/widgets.example.com")
            try await cluster.settle()
            let gone = try await CustomResourceTests.refusal { _ = try await client.call("GET", collection) }
            #expect(gone?.code == 404)
            let left = try await client.call("GET", CustomResourceTests.definitions)["items"].items
            #expect(left.isEmpty)
            let after = try await client.call("GET", "/apis")["groups"].items.compactMap { $0["name"].string }
            #expect(!after.contains("example.com"))
        }
    }

    @Test func `objects are shown in every version, and are there after a restart`() async throws {
        let open: JSON = ["type": "object", "x-kubernetes-preserve-unknown-fields": true]
        let versions: [JSON] = ["v1", "v2"].map { name in
            [
                "name": .string(name), "served": true, "storage": .bool(name == "v2"),
                "schema": ["openAPIV3Schema": open],
            ]
        }
        try await InProcessCluster.with(nodes: 0) { cluster in
            _ = try await cluster.client.call(
                "POST", CustomResourceTests.definitions, body: CustomResourceTests.definition(versions: versions))
            try await cluster.settle()
            _ = try await cluster.client.call(
                "POST", CustomResourceTests.collection, body: CustomResourceTests.widget("a", ["x": 1]))
            try await cluster.restartMaster()
            try await cluster.settle()
            let second = "/apis/example.com/v2/namespaces/default/widgets"
            let object = try await cluster.client.call("GET", "\(second)/a")
            #expect(object["apiVersion"] == "example.com/v2" && object["spec"] == ["x": 1])
            let list = try await cluster.client.call("GET", second)
            #expect(list["apiVersion"] == "example.com/v2" && list["items"].items.count == 1)
            let wrong = try await CustomResourceTests.refusal {
                _ = try await cluster.client.call("POST", second, body: CustomResourceTests.widget("b", [:]))
            }
            #expect(wrong?.code == 400)
            let other = try await CustomResourceTests.refusal {
                var body = CustomResourceTests.widget("b", [:])
                body["kind"] = "Gadget"
                _ = try await cluster.client.call("POST", CustomResourceTests.collection, body: body)
            }
            #expect(
                other?.message
                    == "Widget.example.com \"b\" is invalid: kind: Invalid value: \"Gadget\": must be Widget")
        }
    }

    @Test func `a namespace takes its custom objects along, and an owner its custom dependents`() async throws {
        try await InProcessCluster.with(nodes: 0) { cluster in
            let client = cluster.client
            _ = try await client.call("POST", CustomResourceTests.definitions, body: CustomResourceTests.definition())
            _ = try await client.create(Namespace(name: "old"))
            try await cluster.settle()
            var owned = CustomResourceTests.widget("owned", [:])
            let owner = try await client.call(
                "POST", CustomResourceTests.collection, body: CustomResourceTests.widget("owner", [:]))
            owned["metadata"]["ownerReferences"] = [
                [
                    "apiVersion": "example.com/v1", "kind": "Widget", "name": "owner",
                    "uid": owner["metadata"]["uid"],
                ]
            ]
            _ = try await client.call("POST", CustomResourceTests.collection, body: owned)
            _ = try await client.call(
                "POST", "/apis/example.com/v1/namespaces/old/widgets", body: CustomResourceTests.widget("x", [:]))
            try await cluster.settle()
            _ = try await client.call("DELETE", "\(CustomResourceTests.collection)/owner")
            _ = try await client.delete(Namespace.self, name: "old")
            try await cluster.settle()
            let left = try await client.call("GET", "/apis/example.com/v1/widgets")["items"].items
            #expect(left.map { Object($0).name } == [])
            let exists = try await cluster.exists(Namespace.self, namespace: "", name: "old")
            #expect(!exists)
        }
    }
}
