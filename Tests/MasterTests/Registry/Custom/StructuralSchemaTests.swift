import Shared
import TestKit
import Testing

@testable import Master

struct StructuralSchemaTests {
    private static func schema(_ spec: JSON) -> StructuralSchema {
        StructuralSchema(["type": "object", "properties": ["spec": spec]])
    }

    @Test func `unknown members are dropped, all others stay`() {
        let schema = StructuralSchemaTests.schema([
            "type": "object",
            "properties": [
                "a": ["type": "integer"], "free": ["type": "object", "x-kubernetes-preserve-unknown-fields": true],
                "map": [
                    "type": "object",
                    "additionalProperties": ["type": "object", "properties": ["v": ["type": "integer"]]],
                ],
                "list": ["type": "array", "items": ["type": "object", "properties": ["n": ["type": "string"]]]],
            ],
        ])
        var dropped: [String] = []
        let pruned = schema.prune(
            [
                "kind": "X", "metadata": ["name": "n"], "other": 1,
                "spec": [
                    "a": 1, "b": 2, "free": ["x": ["y": 1]], "map": ["k": ["v": 1, "w": 2]],
                    "list": [["n": "a", "m": 1]],
                ],
            ], isObject: true, &dropped)
        #expect(
            pruned == [
                "kind": "X", "metadata": ["name": "n"],
                "spec": ["a": 1, "free": ["x": ["y": 1]], "map": ["k": ["v": 1]], "list": [["n": "a"]]],
            ])
        #expect(dropped == ["other", "spec.b", "spec.map.k.w", "spec.list[0].m"])
    }

    @Test func `defaults fill what is absent, and null where it may not be`() {
        let schema = StructuralSchemaTests.schema([
            "type": "object", "default": [:],
            "properties": [
                "a": ["type": "integer", "default": 7], "b": ["type": "string", "nullable": true, "default": "x"],
                "c": ["type": "string"],
                "l": [
                    "type": "array",
                    "items": ["type": "object", "properties": ["d": ["type": "string", "default": "y"]]],
                ],
            ],
        ])
        #expect(schema.fill([:]) == ["spec": ["a": 7, "b": "x"]])
        #expect(
            schema.fill(["spec": ["a": nil, "b": nil, "c": nil, "l": [[:]]]])
                == ["spec": ["a": 7, "b": nil, "l": [["d": "y"]]]])
    }

    /// Each row: an object in `spec.list[0]`, what is wrong with it.
    static let embedded: [(JSON, [String])] = [
        (["apiVersion": "v1", "kind": "Pod", "metadata": ["labels": ["a": "b"]]], []),
        ([:], ["apiVersion: Required value: must not be empty", "kind: Required value: must not be empty"]),
        (
            ["apiVersion": "a/b/c", "kind": ""],
            [
                "apiVersion: Invalid value: \"a/b/c\": unexpected GroupVersion string: a/b/c",
                "kind: Invalid value: \"\": must not be empty",
            ]
        ),
        (
            ["apiVersion": 1, "kind": "Pod", "metadata": ["name": "a/b", "namespace": "ok"]],
            [
                "apiVersion: Invalid value: 1: must be a string",
                "metadata.name: Invalid value: \"a/b\": may not contain '/'",
            ]
        ),
    ]

    @Test(arguments: embedded) func `objects inside custom ones have a kind and metadata of their own`(
        object: JSON, expected: [String]
    ) {
        let schema = StructuralSchemaTests.schema([
            "type": "object",
            "properties": [
                "list": ["type": "array", "items": ["type": "object", "x-kubernetes-embedded-resource": true]]
            ],
        ])
        let errors = schema.validateEmbedded(["spec": ["list": [object]]])
        #expect(errors.map { "\($0.field): \($0.message)" } == expected.map { "spec.list[0].\($0)" })
    }

    @Test func `the metadata of objects inside is read as metadata`() throws {
        let schema = StructuralSchemaTests.schema(["type": "object", "x-kubernetes-embedded-resource": true])
        var unknown: [String] = []
        let read = try schema.readEmbedded(
            ["spec": ["kind": "Pod", "metadata": ["name": "x", "other": 1], "free": [:]]], &unknown)
        #expect(read == ["spec": ["kind": "Pod", "metadata": ["name": "x"], "free": [:]]])
        #expect(unknown == ["spec.metadata.other"])
        var refusal = ""
        do throws(Schema.Unreadable) {
            _ = try schema.readEmbedded(["spec": ["metadata": ["labels": 5]]], &unknown)
        } catch {
            refusal = error.message
        }
        #expect(
            refusal
                == "spec.metadata: Invalid value: map[string]interface {}{\"labels\":5}: json: cannot unmarshal number into Go struct field ObjectMeta.labels of type map[string]string"
        )
    }

    /// Each row: the schema of `spec.a`, a value, the complaint; empty for none.
    static let rows: [(JSON, JSON, String)] = [
        (
            ["type": "integer"], "x",
            "spec.a: Invalid value: \"string\": spec.a in body must be of type integer: \"string\""
        ),
        (
            ["type": "integer"], 1.5,
            "spec.a: Invalid value: \"number\": spec.a in body must be of type integer: \"number\""
        ),
        (["type": "number"], 1, ""), (["type": "integer"], 2.0, ""),
        (
            ["type": "string", "minLength": 2, "pattern": "^a+$"], "b",
            "spec.a: Invalid value: \"b\": spec.a in body should be at least 2 chars long"
        ),
        (
            ["type": "string", "format": "date"], 5,
            "spec.a: Invalid value: \"int64\": spec.a in body must be of type date: \"int64\""
        ),
        (["type": "string", "format": "date"], [5], ""),
        (
            ["type": "string", "enum": ["x", "y"]], "z",
            "spec.a: Unsupported value: \"z\": supported values: \"x\", \"y\""
        ),
        (
            ["type": "string", "maxLength": 3], "äöüß",
            "spec.a: Invalid value: \"äöüß\": spec.a in body should be at most 3 chars long"
        ),
        (
            ["type": "integer", "minimum": 1, "exclusiveMinimum": true], 1,
            "spec.a: Invalid value: 1: spec.a in body should be greater than 1"
        ),
        (
            ["type": "array", "items": ["type": "string"], "maxItems": 1], ["a", "b"],
            "spec.a: Invalid value: 1: spec.a in body should have at most 1 items"
        ),
        (
            ["type": "array", "items": ["type": "string"]], ["a", 1],
            "spec.a[1]: Invalid value: \"integer\": spec.a[1] in body must be of type string: \"integer\""
        ),
        (
            ["type": "object", "properties": ["q": ["type": "string"]], "required": ["q"]], [:],
            "spec.a.q: Required value"
        ),
        (
            ["x-kubernetes-int-or-string": true], true,
            "spec.a: Invalid value: \"boolean\": spec.a in body must be of type integer,string: \"boolean\""
        ),
        (
            ["type": "string", "format": "date-time"], "x",
            "spec.a: Invalid value: \"x\": spec.a in body must be of type date-time: \"x\""
        ),
        (["type": "string", "format": "ipv4"], "10.0.0.1", ""),
        (
            ["type": "string", "format": "uuid"], "x",
            "spec.a: Invalid value: \"x\": spec.a in body must be of type uuid: \"x\""
        ),
        (
            ["type": "array", "items": ["type": "string"], "x-kubernetes-list-type": "set"], ["a", "a"],
            "spec.a[1]: Duplicate value: \"a\""
        ),
        (
            [
                "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["n"],
                "items": ["type": "object", "properties": ["n": ["type": "string"]]],
            ], [["n": "a"], ["n": "a"]], "spec.a[1]: Duplicate value: map[string]interface {}{\"n\":\"a\"}"
        ),
        (
            ["type": "object", "not": ["required": ["x"]], "properties": ["x": ["type": "integer"]]], ["x": 1],
            "<nil>: Invalid value: \"\": \"spec.a\" must not validate the schema (not)"
        ),
    ]
    @Test(arguments: rows)
    func `a value is checked against its schema`(schema: JSON, value: JSON, complaint: String) {
        let schema = StructuralSchemaTests.schema(["type": "object", "properties": ["a": schema]])
        let errors = schema.validate(["kind": "X", "spec": ["a": value]])
        #expect(errors.map { "\($0.field): \($0.message)" } == (complaint.isEmpty ? [] : [complaint]))
    }

    @Test func `rules see the value before, and name the field that breaks them`() {
        let schema = StructuralSchemaTests.schema([
            "type": "object",
            "x-kubernetes-validations": [
                ["rule": "self.a <= self.b", "message": "a must not exceed b"],
                [
                    "rule": "self.b >= oldSelf.b", "messageExpression": "'b fell to ' + string(self.b)",
                    "fieldPath": ".b",
                ],
            ],
            "properties": [
                "a": ["type": "integer"], "b": ["type": "integer"],
                "l": [
                    "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["n"],
                    "items": [
                        "type": "object", "properties": ["n": ["type": "string"], "v": ["type": "integer"]],
                        "x-kubernetes-validations": [["rule": "self.v == oldSelf.v", "reason": "FieldValueForbidden"]],
                    ],
                ],
            ],
        ])
        func check(_ spec: JSON, old: JSON? = nil) -> [String] {
            schema.checkRules(["spec": spec], old: old.map { ["spec": $0] }).map { "\($0.field): \($0.message)" }
        }
        #expect(check(["a": 1, "b": 2]) == [])
        #expect(check(["a": 3, "b": 2]) == ["spec: Invalid value: \"object\": a must not exceed b"])
        #expect(check(["a": 0, "b": 1], old: ["a": 0, "b": 2]) == ["spec.b: Invalid value: \"object\": b fell to 1"])
        #expect(
            check(
                ["a": 0, "b": 2, "l": [["n": "y", "v": 1], ["n": "x", "v": 2]]],
                old: ["a": 0, "b": 2, "l": [["n": "x", "v": 1], ["n": "y", "v": 1]]])
                == ["spec.l[1]: Forbidden: failed rule: self.v == oldSelf.v"])
        #expect(
            check(["b": 2]) == ["spec: Invalid value: \"object\": no such key: a evaluating rule: a must not exceed b"])
    }

    /// Each row: the schema, a complaint about it.
    static let definitions: [(JSON, String)] = [
        (["properties": [:]], "spec.validation.openAPIV3Schema.type: Required value: must not be empty at the root"),
        (
            ["type": "object", "properties": ["a": [:]]],
            "spec.validation.openAPIV3Schema.properties[a].type: Required value: must not be empty for specified object fields"
        ),
        (
            ["type": "object", "properties": ["a": ["type": "array"]]],
            "spec.validation.openAPIV3Schema.properties[a].items: Required value: must be specified"
        ),
        (
            ["type": "object", "properties": ["a": ["type": "string", "pattern": "("]]],
            "spec.validation.openAPIV3Schema.properties[a].pattern: Invalid value: \"(\": must be a valid regular expression, but isn't: error parsing regexp: missing closing ): `(`"
        ),
        (
            ["type": "object", "properties": ["a": ["type": "integer", "default": "x"]]],
            "spec.validation.openAPIV3Schema.properties[a].default: Invalid value: \"string\":  in body must be of type integer: \"string\""
        ),
        (
            [
                "type": "object",
                "properties": ["a": ["type": "integer", "x-kubernetes-validations": [["rule": "self > foo()"]]]],
            ],
            "spec.validation.openAPIV3Schema.properties[a].x-kubernetes-validations[0].rule: Invalid value: \"self > foo()\": compilation failed: undeclared reference to 'foo': the function is not supported"
        ),
    ]
    @Test(arguments: definitions)
    func `a schema that is not structural is refused`(schema: JSON, complaint: String) {
        let definition: JSON = [
            "spec": ["versions": [["name": "v1", "schema": ["openAPIV3Schema": schema]]]]
        ]
        var errors: FieldErrors = []
        Validation.customSchemas(Field(definition), &errors)
        #expect(errors.map { "\($0.field): \($0.message)" }.contains(complaint), "\(errors)")
    }
}
