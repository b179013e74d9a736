import Shared

/// The rules for the schemas of custom resource definitions: structural, bounded, and with expressions that can be
/// evaluated. Source: apiextensions `pkg/apis/apiextensions/validation`, `schema.ValidateStructural`.
extension Validation {
    /// - Parameter versions: `spec.versions`.
    static func customSchemas(_ definition: Field, _ errors: inout FieldErrors) {
        let versions = definition["spec"]["versions"].items
        let strategy = definition["spec"]["conversion"]["strategy"]
        if strategy.text == "Webhook", versions.count(where: { $0["served"].bool }) > 1 {
            // Nobody would call the webhook, and one version would show what was meant for another.
            errors.forbidden(
                strategy,
                "this server calls no conversion webhooks, and objects would be shown as what they are not: use strategy "
                    + "None, or serve one version only")
        }
        for version in versions {
            let schema = version["schema"]["openAPIV3Schema"]
            guard schema.json.object != nil else { continue }
            // A schema that stands for the whole definition is named as the whole definition's.
            let place =
                versions.count == 1 ? definition["spec"]["validation"]["openAPIV3Schema"].with(schema.json) : schema
            errors += CustomSchemaCheck.errors(of: place)
        }
    }
}

extension Validation {
    /// What decides where objects are cannot change. Source: apiextensions `ValidateCustomResourceDefinitionUpdate`.
    static func definitionChange(_ new: Field, _ old: Field, _ errors: inout FieldErrors) {
        let (spec, before) = (new["spec"], old["spec"])
        let isEstablished = old["status"]["conditions"].json.items.contains {
            $0["type"] == "Established" && $0["status"] == "True"
        }
        if isEstablished {
            errors.immutable(spec["scope"], before["scope"])
            errors.immutable(spec["names"]["kind"], before["names"]["kind"])
        }
        errors.immutable(spec["group"], before["group"])
        errors.immutable(spec["names"]["plural"], before["names"]["plural"])
    }
}

/// Walks one schema.
private struct CustomSchemaCheck {
    /// What makes a schema no schema for custom resources.
    private var errors: FieldErrors = []
    /// What keeps it from being structural; told in the order of the texts.
    private var shape: FieldErrors = []
    /// Defaults that the schema itself would refuse; looked at once the shape is right.
    private var fallbacks: FieldErrors = []
    private static let types = ["array", "boolean", "integer", "number", "object", "string"]

    static func errors(of field: Field) -> FieldErrors {
        var check = CustomSchemaCheck()
        check.root(field)
        let shape = check.shape.map { ("\($0.field): \($0.message)", $0) }.sorted { $0.0 < $1.0 }.map(\.1)
        return check.errors + (shape.isEmpty ? check.fallbacks : shape)
    }

    private mutating func root(_ field: Field) {
        let json = field.json
        completeness(of: field)
        if json["nullable"].bool ?? false { errors.forbidden(field["nullable"], "nullable cannot be true at the root") }
        if !json["default"].isNull { fallbacks.forbidden(field["default"], "must not be set") }
        structure(field, Place(isRoot: true))
    }

    private struct Place {
        var isRoot = false
        var isItem = false
        /// Values here have no counterpart in the object before.
        var isUncorrelatable = false
    }

    private mutating func structure(_ field: Field, _ place: Place) {
        guard errors.count + shape.count < Limits.fieldErrorsMax else { return }
        let json = field.json
        let type = json["type"].string ?? ""
        if !type.isEmpty, !CustomSchemaCheck.types.contains(type) {
            if type == "null" {
                errors.forbidden(field["type"], "type cannot be set to null, use nullable as an alternative")
            } else {
                errors.notSupported(field["type"], CustomSchemaCheck.types)
            }
        }
        if json["x-kubernetes-preserve-unknown-fields"] == false {
            errors.invalid(field["x-kubernetes-preserve-unknown-fields"], "must be true or undefined")
        }
        kind(field, type, place)
        metadata(field, place)
        unsupported(field)
        lists(field, type)
        values(field)
        combinations(field)
        if !place.isRoot { fallback(field) }
        rules(field, place)
        children(field, type, place)
    }

    /// What a value can be is said, and said once. Source: `validateStructuralInvariants`.
    private mutating func kind(_ field: Field, _ type: String, _ place: Place) {
        let json = field.json
        let isIntOrString = json["x-kubernetes-int-or-string"].bool ?? false
        let preserves = json["x-kubernetes-preserve-unknown-fields"].bool ?? false
        let isEmbedded = json["x-kubernetes-embedded-resource"].bool ?? false
        if isIntOrString {
            for key in ["x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource"]
            where json[key].bool ?? false {
                shape.invalid(field[key], "must be false if x-kubernetes-int-or-string is true")
            }
        }
        if isEmbedded, type != "object" {
            let text = "must be object if x-kubernetes-embedded-resource is true"
            if type.isEmpty { shape.required(field["type"], text) } else { shape.invalid(field["type"], text) }
        } else if type.isEmpty, !isIntOrString, !preserves {
            shape.required(
                field["type"],
                place.isRoot
                    ? "must not be empty at the root"
                    : "must not be empty for specified \(place.isItem ? "array items" : "object fields")")
        }
        if place.isRoot, !type.isEmpty, type != "object" {
            shape.invalid(field["type"], "must be object at the root")
        }
        if !json["additionalProperties"].isNull {
            if place.isRoot { shape.forbidden(field["additionalProperties"], "must not be used at the root") }
            if isEmbedded {
                shape.forbidden(
                    field["additionalProperties"], "must not be used if x-kubernetes-embedded-resource is set")
            }
        }
        if isEmbedded, !preserves, json["properties"].members.isEmpty {
            shape.required(
                field["properties"],
                "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields"
            )
        }
    }

    /// Whole objects have a type and metadata of their own, about which a schema can say little.
    private mutating func metadata(_ field: Field, _ place: Place) {
        let properties = field["properties"]
        guard place.isRoot || field.json["x-kubernetes-embedded-resource"].bool ?? false else { return }
        for key in ["kind", "apiVersion"] where properties.entry(key).isPresent {
            let type = properties.entry(key)["type"]
            if type.text != "string" { shape.invalid(type.with(.string(type.text)), "must be string") }
        }
        let metadata = properties.entry("metadata")
        guard metadata.isPresent else { return }
        if metadata["type"].text != "object" {
            shape.invalid(metadata["type"].with(.string(metadata["type"].text)), "must be object")
        }
        guard place.isRoot else { return }
        let isPlain =
            metadata.json.members.allSatisfy { ["type", "properties", "description"].contains($0.key) }
            && metadata["properties"].json.members.allSatisfy { ["name", "generateName"].contains($0.key) }
        if !isPlain {
            shape.forbidden(
                metadata,
                "must not specify anything other than name and generateName, but metadata is implicitly specified")
        }
    }

    /// What the alternatives of the root speak of is said outside of them too. Source: `validateStructuralCompleteness`.
    private mutating func completeness(of root: Field) {
        func nested(_ part: Field, _ schema: Field) {
            guard errors.count + shape.count < Limits.fieldErrorsMax else { return }
            guard schema.isPresent else {
                return shape.required(schema, "because it is defined in \(part.path)")
            }
            values(part, schema)
            if part["items"].json.object != nil { nested(part["items"], schema["items"]) }
            for (key, property) in part["properties"].entries {
                nested(property, schema["properties"].entry(key))
            }
        }
        func values(_ part: Field, _ schema: Field) {
            if part["not"].json.object != nil { nested(part["not"], schema) }
            for key in ["allOf", "anyOf", "oneOf"] { for one in part[key].items { nested(one, schema) } }
        }
        values(root, root)
    }

    private mutating func children(_ field: Field, _ type: String, _ place: Place) {
        let json = field.json
        if !json["properties"].members.isEmpty, !json["additionalProperties"].isNull,
            json["additionalProperties"] != true
        {
            errors.forbidden(
                field["additionalProperties"], "additionalProperties and properties are mutual exclusive")
        }
        for (_, property) in field["properties"].entries {
            structure(property, Place(isUncorrelatable: place.isUncorrelatable))
        }
        if json["additionalProperties"].object != nil {
            structure(field["additionalProperties"], Place(isUncorrelatable: place.isUncorrelatable))
        }
        if json["items"].array != nil {
            errors.forbidden(field["items"], "items must be a schema object and not an array")
        } else if json["items"].object != nil {
            let isMap = json["x-kubernetes-list-type"] == "map"
            structure(field["items"], Place(isItem: true, isUncorrelatable: place.isUncorrelatable || !isMap))
        } else if type == "array" {
            shape.required(field["items"], "must be specified")
        }
    }

    /// Words of JSON schema that custom resources cannot use.
    private mutating func unsupported(_ field: Field) {
        let json = field.json
        if json["uniqueItems"].bool ?? false {
            errors.forbidden(
                field["uniqueItems"], "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
            )
        }
        for key in ["$ref", "$schema", "id", "definitions", "dependencies", "patternProperties", "additionalItems"]
        where !json[key].isNull && json[key] != "" {
            errors.forbidden(field[key], "\(key) is not supported")
        }
    }

    private mutating func lists(_ field: Field, _ type: String) {
        let listType = field["x-kubernetes-list-type"]
        let mapType = field["x-kubernetes-map-type"]
        let keys = field["x-kubernetes-list-map-keys"]
        func mustBe(_ wanted: String, _ key: String) {
            let text = "must be \(wanted) if \(key) is specified"
            if type.isEmpty { errors.required(field["type"], text) } else { errors.invalid(field["type"], text) }
        }
        if mapType.isPresent {
            if type != "object" { mustBe("object", "x-kubernetes-map-type") }
            if !["atomic", "granular"].contains(mapType.text) { errors.notSupported(mapType, ["atomic", "granular"]) }
        }
        if listType.isPresent {
            if type != "array" {
                mustBe("array", "x-kubernetes-list-type")
            } else if listType.text == "set" {
                atomicItems(field["items"])
            }
            if !["atomic", "set", "map"].contains(listType.text) {
                errors.notSupported(listType, ["atomic", "set", "map"])
            }
        }
        if !keys.json.items.isEmpty, listType.text != "map" {
            let text = "must be map if x-kubernetes-list-map-keys is non-empty"
            if listType.isAbsent { errors.required(listType, text) } else { errors.invalid(listType, text) }
        }
        if listType.text == "map" { mapKeys(field) }
        if ["map", "set"].contains(listType.text), field["items"]["nullable"].bool {
            errors.forbidden(
                field["items"]["nullable"], "cannot be nullable when x-kubernetes-list-type is \(listType.text)")
        }
        if listType.text == "map" { neededKeys(field) }
    }

    /// Items of a set are told apart as a whole.
    private mutating func atomicItems(_ items: Field) {
        let text = "must be atomic as item of a list with x-kubernetes-list-type=set"
        let (list, map) = (items["x-kubernetes-list-type"], items["x-kubernetes-map-type"])
        switch items["type"].text {
        case "array" where list.isPresent && list.text != "atomic": errors.invalid(list, text)
        case "object" where map.text != "atomic": errors.invalid(map, shown: "\"null\"", text)
        default: break
        }
    }

    private mutating func mapKeys(_ field: Field) {
        let (keys, items) = (field["x-kubernetes-list-map-keys"], field["items"])
        if keys.json.items.isEmpty { errors.required(keys, "must not be empty if x-kubernetes-list-type is map") }
        guard items.isPresent else {
            return errors.required(items, "must have a schema if x-kubernetes-list-type is map")
        }
        guard items["type"].text == "object" else {
            return errors.invalid(
                items["type"].with(.string(items["type"].text)),
                "must be object if parent array's x-kubernetes-list-type is map")
        }
        var seen: Set<String> = []
        for key in keys.items {
            let property = items["properties"].entry(key.text)
            let shown = GoText.strings(keys.json)
            if property.isAbsent {
                errors.invalid(keys, shown: shown, "entries must all be names of item properties")
            } else if ["object", "array"].contains(property["type"].text) {
                errors.invalid(
                    property["type"].with("object"),
                    "must be a scalar type if parent array's x-kubernetes-list-type is map")
            }
            if !seen.insert(key.text).inserted {
                errors.invalid(keys, shown: shown, "must not contain duplicate entries")
            }
        }
    }

    /// Every item has its keys. Source: `validateMapListKeysMapSet`.
    private mutating func neededKeys(_ field: Field) {
        let items = field["items"]
        let required = Set(items["required"].json.items.compactMap(\.string))
        for key in field["x-kubernetes-list-map-keys"].items {
            let property = items["properties"].entry(key.text)
            guard property.isPresent else { continue }
            if !required.contains(key.text), property["default"].isAbsent {
                errors.required(
                    property["default"],
                    "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property"
                )
            }
            if property["nullable"].bool {
                errors.forbidden(
                    property["nullable"],
                    "this property is in x-kubernetes-list-map-keys, so it cannot be nullable")
            }
        }
    }

    private mutating func values(_ field: Field) {
        let pattern = field["pattern"]
        if !pattern.text.isEmpty {
            do { _ = try Pattern(pattern.text) } catch {
                errors.invalid(
                    pattern,
                    "must be a valid regular expression, but isn't: error parsing regexp: \(error)")
            }
        }
    }

    /// Inside `allOf` and its like only values are restricted.
    private mutating func combinations(_ field: Field) {
        alternatives(field)
        for (index, nested) in field["allOf"].items.enumerated() { restriction(nested, isFirst: index == 0) }
        for nested in field["oneOf"].items { restriction(nested) }
        if field["not"].isPresent { restriction(field["not"]) }
    }

    /// The one list of types that a structural schema may have is that of a number or a text.
    private mutating func alternatives(_ field: Field) {
        let list = field["anyOf"]
        if list.json == [["type": "integer"], ["type": "string"]] { return }
        for nested in list.items { restriction(nested) }
    }

    private mutating func restriction(_ field: Field, isFirst: Bool = false) {
        guard errors.count + shape.count < Limits.fieldErrorsMax else { return }
        let json = field.json
        if !(json["type"].string ?? "").isEmpty {
            shape.forbidden(field["type"], "must be empty to be structural")
        }
        for (key, text) in [
            ("additionalProperties", "must be undefined to be structural"),
            ("default", "must be undefined to be structural"),
        ] where !json[key].isNull {
            shape.forbidden(field[key], text)
        }
        for key in ["description", "title"] where !(json[key].string ?? "").isEmpty {
            shape.forbidden(field[key], "must be empty to be structural")
        }
        if json["nullable"].bool ?? false { shape.forbidden(field["nullable"], "must be false to be structural") }
        for key in [
            "x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource", "x-kubernetes-int-or-string",
        ] where json[key].bool ?? false {
            shape.forbidden(field[key], "must be false to be structural")
        }
        for key in ["x-kubernetes-list-type", "x-kubernetes-map-type"] where !json[key].isNull {
            shape.forbidden(field[key], "must be undefined to be structural")
        }
        values(field)
        if !json["x-kubernetes-list-map-keys"].items.isEmpty {
            shape.forbidden(field["x-kubernetes-list-map-keys"], "must be empty to be structural")
        }
        if !json["x-kubernetes-validations"].items.isEmpty {
            shape.forbidden(field["x-kubernetes-validations"], "must be empty to be structural")
        }
        if field["properties"].entry("metadata").isPresent {
            shape.forbidden(field["properties"].entry("metadata"), "must not be specified in a nested context")
        }
        for (_, property) in field["properties"].entries { restriction(property) }
        if json["items"].object != nil { restriction(field["items"]) }
        if isFirst { alternatives(field) } else { for nested in field["anyOf"].items { restriction(nested) } }
        for key in ["allOf", "oneOf"] { for nested in field[key].items { restriction(nested) } }
        if json["not"].object != nil { restriction(field["not"]) }
    }

    /// A default has to be what the schema itself would accept, with nothing to drop.
    private mutating func fallback(_ field: Field) {
        guard let value = field.json.object?["default"], !value.isNull else { return }
        let place = field["default"]
        let schema = StructuralSchema(field.json)
        var dropped: [String] = []
        _ = schema.prune(value, isObject: schema.isEmbedded, &dropped)
        if !dropped.isEmpty {
            fallbacks.invalid(place, "must not have unknown fields")
        }
        for var error in schema.validate(schema.fill(value)) {
            error.field = error.field.isEmpty ? place.path : "\(place.path).\(error.field)"
            fallbacks.append(error)
        }
    }

    // MARK: Rules

    private mutating func rules(_ field: Field, _ place: Place) {
        let list = field["x-kubernetes-validations"]
        for entry in list.items {
            let text = entry["rule"].text
            if text.trimmingSpaces.isEmpty {
                errors.required(entry["rule"], "rule is not specified")
                continue
            }
            if entry["optionalOldSelf"].bool {
                errors.forbidden(entry["optionalOldSelf"], "optionalOldSelf is not supported by this server")
            }
            check(entry["rule"], text, field.json, place, result: "bool")
            let message = entry["message"]
            if message.isPresent, !message.text.isEmpty, message.text.trimmingSpaces.isEmpty {
                errors.invalid(message, "message must be non-empty if specified")
            }
            if message.text.contains("\n") { errors.invalid(message, "message must not contain line breaks") }
            if text.contains("\n"), message.text.isEmpty, entry["messageExpression"].text.isEmpty {
                errors.required(
                    message, "message or messageExpression must be specified if rule contains line breaks")
            }
            if !entry["messageExpression"].text.isEmpty {
                check(
                    entry["messageExpression"], entry["messageExpression"].text, field.json, place, result: "string")
            }
            let reasons = ["FieldValueInvalid", "FieldValueForbidden", "FieldValueRequired", "FieldValueDuplicate"]
            if entry["reason"].isPresent, !reasons.contains(entry["reason"].text) {
                errors.notSupported(entry["reason"], reasons)
            }
            if !entry["fieldPath"].text.isEmpty, !entry["fieldPath"].text.hasPrefix(".") {
                errors.invalid(entry["fieldPath"], "fieldPath must be a valid path: it begins with a dot")
            }
        }
    }

    private mutating func check(_ field: Field, _ text: String, _ schema: JSON, _ place: Place, result: String) {
        do {
            let expression = try ExpressionParser.parse(text)
            try ExpressionCheck.check(
                expression, self: StructuralSchema(schema), isObject: place.isRoot, result: result)
            if place.isUncorrelatable, expression.mentions("oldSelf") {
                errors.invalid(field, "oldSelf cannot be used on the uncorrelatable portion of the schema")
            }
        } catch {
            errors.invalid(field, "compilation failed: \(error)")
        }
    }
}
