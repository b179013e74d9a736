import Shared
import Testing

@testable import Console

struct ExplanationTests {
    private static let resource = ServedResource(
        type: KindType(group: "shop.example.com", version: "v1", kind: "Order", plural: "orders", isNamespaced: true),
        singular: "order", shortNames: [], categories: [], verbs: [], subresources: [])
    private static let document: JSON = [
        "components": [
            "schemas": [
                "com.example.Order": [
                    "description": "Something that a customer wants.", "type": "object",
                    "x-kubernetes-group-version-kind": [
                        ["group": "shop.example.com", "version": "v1", "kind": "Order"]
                    ],
                    "required": ["spec"],
                    "properties": [
                        "spec": [
                            "description": "What is wanted.", "allOf": [["$ref": "#/components/schemas/a.b.Spec"]],
                        ],
                        "note": ["type": "string"],
                    ],
                ],
                "a.b.Spec": [
                    "description": "The wish itself.", "type": "object",
                    "properties": [
                        "size": ["description": "How large.", "type": "string", "enum": ["", "L", "M", "S", "XL"]],
                        "parts": ["type": "array", "items": ["$ref": "#/components/schemas/a.b.Spec"]],
                        "labels": ["type": "object", "additionalProperties": ["type": "string"]],
                        "when": ["$ref": "#/components/schemas/a.b.Time"],
                    ],
                ],
                "a.b.Time": ["description": "A moment.", "type": "string"],
            ]
        ]
    ]
    private func explain(_ path: String..., isDeep: Bool = false) throws -> String {
        let schemas = PublishedSchemas(Self.document)
        let root = try #require(schemas.schema(group: "shop.example.com", version: "v1", kind: "Order"))
        return try Explanation(resource: Self.resource, schemas: schemas, root: root.schema).text(path, isDeep: isDeep)
    }

    @Test func `a kind is told with its fields and what they must have`() throws {
        #expect(
            try explain() == """
                GROUP:      shop.example.com
                KIND:       Order
                VERSION:    v1

                DESCRIPTION:
                    Something that a customer wants.
                \("    ")
                FIELDS:
                  note\t<string>
                    <no description>

                  spec\t<Spec> -required-
                    What is wanted.



                """)
    }

    @Test func `a field is told with its own words, those of its type, and its values`() throws {
        let spec = try explain("spec")
        #expect(
            spec.contains("FIELD: spec <Spec>\n\n\nDESCRIPTION:\n    What is wanted.\n    The wish itself.\n    \n"))
        #expect(spec.contains("  size\t<string>\n  enum: \"\", L, M, S, ....\n    How large.\n"))
        #expect(spec.contains("  labels\t<map[string]string>\n"))
        #expect(spec.contains("  when\t<string>\n    A moment.\n"))
        // What a list holds is told too, and the way leads through it.
        #expect(try explain("spec", "parts").contains("DESCRIPTION:\n    The wish itself.\n    \n"))
        let size = try explain("spec", "parts", "size")
        #expect(size.contains("FIELD: size <string>\nENUM:\n    \"\"\n    L\n    M\n    S\n    XL\n\nDESCRIPTION:"))
    }

    @Test func `all fields below are shown, and a type that holds itself ends`() throws {
        let text = try explain("spec", isDeep: true)
        #expect(text.contains("FIELDS:\n  labels\t<map[string]string>\n  parts\t<[]Spec>\n  size\t<string>\n"))
    }

    @Test func `a field that is not there names those that are near`() {
        #expect(throws: Failure.self) { try explain("spec", "sise") }
        do { _ = try explain("spec", "sise") } catch {
            #expect("\(error)".contains("field \"sise\" does not exist in order.spec; did you mean size?"))
        }
    }
}
