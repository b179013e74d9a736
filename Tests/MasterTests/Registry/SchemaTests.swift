import Shared
import Testing

@testable import Master

struct SchemaTests {
    private static let pod = GroupVersionKind(group: "", version: "v1", kind: "Pod")
    private static let deployment = GroupVersionKind(group: "apps", version: "v1", kind: "Deployment")

    @Test func `unknown fields are named in strict mode`() {
        let json: JSON = ["spec": ["foo": 1, "containers": [["name": "a", "bar": true]]]]
        let error = #expect(throws: Status.self) { try Schema.decode(json, as: Self.pod, fieldValidation: .strict) }
        #expect(
            error?.message
                == "Pod in version \"v1\" cannot be handled as a Pod: strict decoding error: unknown field \"spec.foo\", unknown field \"spec.containers[0].bar\""
        )
    }

    @Test func `unknown fields are dropped with a warning`() throws {
        let decoded = try Schema.decode(["spec": ["foo": 1]], as: Self.pod, fieldValidation: .warn)
        #expect(decoded.object["spec"]["foo"].isNull)
        #expect(decoded.warnings == ["unknown field \"spec.foo\""])
    }

    @Test func `a wrong type is named with its path`() {
        let json: JSON = ["spec": ["replicas": "three"]]
        let error = #expect(throws: Status.self) { try Schema.decode(json, as: Self.deployment) }
        #expect(
            error?.message
                == "Deployment in version \"v1\" cannot be handled as a Deployment: json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32"
        )
    }

    @Test func `empty values go and pointers to zero stay`() throws {
        let json: JSON = ["spec": ["replicas": 0, "paused": false, "template": ["spec": ["hostNetwork": false]]]]
        let spec = try Schema.decode(json, as: Self.deployment).object["spec"]
        #expect(spec["replicas"] == 0)
        #expect(spec.object?["paused"] == nil)
        #expect(spec["template"]["spec"].object?["hostNetwork"] == nil)
        #expect(spec.object?["strategy"] == [:])
    }

    @Test func `quantities are written in their canonical form`() throws {
        let json: JSON = [
            "spec": ["containers": [["name": "a", "resources": ["limits": ["cpu": 0.5, "memory": "1.5Gi"]]]]]
        ]
        let limits = try Schema.decode(json, as: Self.pod).object["spec"]["containers"][0]["resources"]["limits"]
        #expect(limits == ["cpu": "500m", "memory": "1536Mi"])
    }

    @Test func `patches know the merge key of containers`() {
        let field = Schema.patchField("core.v1.PodSpec", "containers")
        #expect(
            field
                == Schema.PatchField(
                    strategy: "merge", mergeKey: "name", childType: nil, elementType: "core.v1.Container"))
    }

    @Test func `every type of the table can be read`() {
        for name in Schema.names {
            let type = Schema.type(name)
            #expect(type?.name == name)
            for field in type?.fields ?? [] {
                if let structName = field.structName {
                    #expect(Schema.type(structName) != nil, "\(name).\(field.name)")
                }
            }
        }
    }

    @Test func `base64 is read back as it was written`() throws {
        for count in 0..<10 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37) }
            #expect(Base64.decode(Base64.encode(bytes)) == bytes)
        }
        #expect(throws: Base64.Corrupt.self) { try Base64.decodeOrPlace("a") }
    }
}
