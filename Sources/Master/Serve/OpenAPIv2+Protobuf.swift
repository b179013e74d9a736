import Shared

extension OpenAPIv2 {
    /// The media type under which kubectl up to 1.28 asks for the document.
    static let protobufType = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
    static let olderProtobufType = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"

    /// A document of `document` in the form that gnostic gives it.
    /// Source: github.com/google/gnostic openapiv2/OpenAPIv2.proto.
    static func protobuf(_ document: JSON) -> [UInt8] {
        var writer = ProtoWriter()
        writer.text(1, document["swagger"].string)
        writer.message(2) { info in
            info.text(1, document["info"]["title"].string)
            info.text(2, document["info"]["version"].string)
        }
        writer.message(8) { paths in
            for (path, item) in document["paths"].members {
                paths.named(2, path) { message in
                    for (number, method) in [
                        (2, "get"), (3, "put"), (4, "post"), (5, "delete"), (6, "options"), (7, "head"), (8, "patch"),
                    ] where !item[method].isNull {
                        message.message(number) { operation(&$0, item[method]) }
                    }
                }
            }
        }
        writer.message(9) { definitions in
            for (name, schema) in document["definitions"].members {
                definitions.named(1, name) { self.schema(&$0, schema) }
            }
        }
        writer.message(12) { requirement in
            requirement.named(1, "BearerToken") { _ in }
        }
        writer.message(13) { definitions in
            let bearer = document["securityDefinitions"]["BearerToken"]
            definitions.named(1, "BearerToken") { item in
                item.message(2) { key in
                    for (number, name) in [(1, "type"), (2, "name"), (3, "in"), (4, "description")] {
                        key.text(number, bearer[name].string)
                    }
                }
            }
        }
        return writer.bytes
    }

    private static func operation(_ writer: inout ProtoWriter, _ json: JSON) {
        writer.texts(1, json["tags"])
        writer.text(3, json["description"].string)
        writer.text(5, json["operationId"].string)
        writer.texts(6, json["produces"])
        writer.texts(7, json["consumes"])
        for parameter in json["parameters"].items {
            writer.message(8) { item in item.message(1) { self.parameter(&$0, parameter) } }
        }
        writer.message(9) { responses in
            for (code, response) in json["responses"].members {
                responses.named(1, code) { value in
                    value.message(1) { body in
                        body.text(1, response["description"].string)
                        guard !response["schema"].isNull else { return }
                        body.message(2) { item in item.message(1) { schema(&$0, response["schema"]) } }
                    }
                }
            }
        }
        writer.texts(10, json["schemes"])
        extensions(&writer, 13, json)
    }

    private static func parameter(_ writer: inout ProtoWriter, _ json: JSON) {
        switch json["in"].string {
        case "body":
            writer.message(1) { body in
                body.text(1, json["description"].string)
                body.text(2, json["name"].string)
                body.text(3, "body")
                body.flag(4, json["required"].bool)
                body.message(5) { schema(&$0, json["schema"]) }
            }
        case "path":
            writer.message(2) { other in
                other.message(4) { path in
                    path.flag(1, json["required"].bool)
                    path.text(2, "path")
                    path.text(3, json["description"].string)
                    path.text(4, json["name"].string)
                    path.text(5, json["type"].string)
                    path.flag(19, json["uniqueItems"].bool)
                }
            }
        default:
            writer.message(2) { other in
                other.message(3) { query in
                    query.text(2, "query")
                    query.text(3, json["description"].string)
                    query.text(4, json["name"].string)
                    query.text(6, json["type"].string)
                    query.flag(20, json["uniqueItems"].bool)
                }
            }
        }
    }

    private static func schema(_ writer: inout ProtoWriter, _ json: JSON) {
        writer.text(1, json["$ref"].string)
        writer.text(2, json["format"].string)
        writer.text(4, json["description"].string)
        writer.texts(19, json["required"])
        for value in json["enum"].items { writer.message(20) { $0.text(2, value.text) } }
        if !json["additionalProperties"].isNull {
            writer.message(21) { item in item.message(1) { schema(&$0, json["additionalProperties"]) } }
        }
        if let type = json["type"].string { writer.message(22) { $0.text(1, type) } }
        if !json["items"].isNull {
            writer.message(23) { item in item.message(1) { schema(&$0, json["items"]) } }
        }
        if !json["properties"].members.isEmpty {
            writer.message(25) { properties in
                for (name, property) in json["properties"].members {
                    properties.named(1, name) { schema(&$0, property) }
                }
            }
        }
        extensions(&writer, 31, json)
    }

    /// The members that begin with `x-`, each as YAML; JSON is YAML.
    private static func extensions(_ writer: inout ProtoWriter, _ number: Int, _ json: JSON) {
        for (name, value) in json.members where name.hasPrefix("x-") {
            writer.named(number, name) { $0.text(2, value.text) }
        }
    }
}

/// Writes protobuf messages. Source: protobuf.dev "Encoding".
struct ProtoWriter {
    private(set) var bytes: [UInt8] = []

    private mutating func varint(_ value: Int) {
        var rest = UInt64(max(0, value))
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    /// Nothing for nil and for the empty text, which is what a missing field means.
    mutating func text(_ number: Int, _ value: String?) {
        guard let value, !value.isEmpty else { return }
        data(number, Array(value.utf8))
    }
    mutating func texts(_ number: Int, _ list: JSON) {
        for item in list.items { data(number, Array((item.string ?? "").utf8)) }
    }
    mutating func flag(_ number: Int, _ value: Bool?) {
        guard value == true else { return }
        varint(number << 3)
        bytes.append(1)
    }
    mutating func message(_ number: Int, _ body: (inout ProtoWriter) -> Void) {
        var inner = ProtoWriter()
        body(&inner)
        data(number, inner.bytes)
    }
    /// A pair of a name and a message, which is how gnostic writes maps.
    mutating func named(_ number: Int, _ name: String, _ body: (inout ProtoWriter) -> Void) {
        message(number) { pair in
            pair.text(1, name)
            pair.message(2, body)
        }
    }
    private mutating func data(_ number: Int, _ value: [UInt8]) {
        varint(number << 3 | 2)
        varint(value.count)
        bytes += value
    }
}
