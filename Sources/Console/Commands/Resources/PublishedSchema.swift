import Shared

/// How strategic merge patches treat a type, as the server's OpenAPI document says it. A reference type: the document is
/// shared by all its parts. Source: `x-kubernetes-patch-merge-key`, `x-kubernetes-patch-strategy`.
final class PublishedSchemas: Sendable {
    let schemas: JSON.Members
    private let byName: [String: JSON]

    init(_ document: JSON) {
        schemas = document.at("components", "schemas").members
        byName = Dictionary(schemas.map { ($0.key, $0.value) }) { first, _ in first }
    }

    /// The schema of a kind; nil when the document has none.
    func schema(group: String, version: String, kind: String) -> PublishedSchema? {
        for (_, schema) in byName {
            let isWanted = schema["x-kubernetes-group-version-kind"].items.contains {
                $0["group"].string ?? "" == group && $0["version"].string == version && $0["kind"].string == kind
            }
            if isWanted { return PublishedSchema(schema: schema, all: self) }
        }
        return nil
    }

    /// Follows `$ref`, alone or in an `allOf` of one.
    func resolve(_ schema: JSON) -> JSON {
        var schema = schema
        for _ in 0..<16 {
            let reference = schema["$ref"].string ?? schema["allOf"][0]["$ref"].string
            guard let name = reference?.split(separator: "/").last, let target = byName[String(name)] else { break }
            schema = target
        }
        return schema
    }
}

struct PublishedSchema: PatchSchema {
    let schema: JSON
    let all: PublishedSchemas

    func field(_ name: String) -> PatchField? {
        let property = schema["properties"][name].isNull ? schema["additionalProperties"] : schema["properties"][name]
        guard property.object != nil else { return nil }
        let type = all.resolve(property)
        let inner = type["items"].isNull ? type : all.resolve(type["items"])
        let isObject = inner["properties"].object != nil || inner["additionalProperties"].object != nil
        return PatchField(
            strategy: PatchField.Strategy(text: property["x-kubernetes-patch-strategy"].string ?? ""),
            mergeKey: property["x-kubernetes-patch-merge-key"].string,
            child: isObject ? PublishedSchema(schema: inner, all: all) : nil)
    }
}

/// Finds the patch schemas of kinds; each document of the server is read once.
actor SchemaSource {
    private let client: Client
    private var index: JSON?
    private var documents: [String: PublishedSchemas] = [:]
    init(_ client: Client) { self.client = client }

    /// Nil for kinds that the server does not describe, such as custom resources.
    func schema(_ type: KindType) async throws -> PublishedSchema? {
        if index == nil { index = (try? await client.call("GET", "/openapi/v3")) ?? [:] }
        let key = type.group.isEmpty ? "api/\(type.version)" : "apis/\(type.group)/\(type.version)"
        if documents[key] == nil {
            guard let url = index?["paths"][key]["serverRelativeURL"].string else { return nil }
            documents[key] = PublishedSchemas(try await client.call("GET", url))
        }
        return documents[key]?.schema(group: type.group, version: type.version, kind: type.kind)
    }
}
