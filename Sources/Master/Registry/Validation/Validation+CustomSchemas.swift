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
            errors.notSupported(strategy, ["None"])
        }
        for version in versions {
            let schema = version["schema"]["openAPIV3Schema"]
            guard schema.json.object != nil else { continue }
            // A schema that stands for the whole definition is named as the whole definition's.
            let place =
                versions.count == 1 ? definition["spec"]["validation"]["openAPIV3Schema"].with(schema.json) : schema
            var walk = CustomSchemaCheck()
            walk.root(place)
            errors += walk.errors
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
    var errors: FieldErrors = []
    private static let types = ["array", "boolean", "integer", "number", "object", "string"]

    mutating func root(_ field: Field) {
        let json = field.json
        if json["type"].string ?? "" == "" {
            errors.required(field["type"], "must not be empty at the root")
        } else if json["type"] != "object" {
            errors.invalid(field["type"], "must be object at the root")
        }
        if json["nullable"].bool ?? false { errors.forbidden(field["nullable"], "nullable cannot be true at the root") }
        if !json["default"].isNull { errors.forbidden(field["default"], "must not be set at the root") }
        let metadata = field["properties"].entry("metadata")
        for (key, _) in metadata["properties"].json.members where key != "name" && key != "generateName" {
            errors.forbidden(
                metadata["properties"].entry(key),
                "must not specify anything other than name and generateName, but metadata is implicitly specified")
        }
        structure(field, Place(isRoot: true))
    }

    private struct Place {
        var isRoot = false
        var isItem = false
        /// Values here have no counterpart in the object before.
        var isUncorrelatable = false
    }

    private mutating func structure(_ field: Field, _ place: Place) {
        guard errors.count < Limits.fieldErrorsMax else { return }
        let json = field.json
        let type = json["type"].string ?? ""
        let isIntOrString = json["x-kubernetes-int-or-string"].bool ?? false
        let preserves = json["x-kubernetes-preserve-unknown-fields"].bool ?? false
        if !type.isEmpty, !CustomSchemaCheck.types.contains(type) {
            errors.notSupported(field["type"], CustomSchemaCheck.types)
        }
        if type.isEmpty, !isIntOrString, !preserves, !place.isRoot {
            errors.required(
                field["type"],
                place.isItem
                    ? "must not be empty for specified array items" : "must not be empty for specified object fields")
        }
        if isIntOrString {
            if !type.isEmpty { errors.forbidden(field["type"], "must be empty if x-kubernetes-int-or-string is true") }
            if preserves {
                errors.forbidden(
                    field["x-kubernetes-preserve-unknown-fields"], "must be false if x-kubernetes-int-or-string is true"
                )
            }
        }
        if json["x-kubernetes-preserve-unknown-fields"] == false {
            errors.invalid(field["x-kubernetes-preserve-unknown-fields"], "must be true or undefined")
        }
        if json["x-kubernetes-embedded-resource"].bool ?? false {
            if type != "object" {
                errors.invalid(field["type"], "must be object if x-kubernetes-embedded-resource is true")
            }
            if !preserves, json["properties"].members.isEmpty {
                errors.required(
                    field["properties"],
                    "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields"
                )
            }
        }
        unsupported(field)
        lists(field, type)
        values(field)
        combinations(field)
        fallback(field)
        rules(field, place)
        children(field, type, place)
    }

    private mutating func children(_ field: Field, _ type: String, _ place: Place) {
        let json = field.json
        if !json["properties"].isNull, !json["additionalProperties"].isNull, json["additionalProperties"] != false {
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
        } else if type == "array", !(json["x-kubernetes-preserve-unknown-fields"].bool ?? false) {
            errors.required(field["items"], "must be specified")
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
        if json["additionalProperties"] == false {
            errors.forbidden(field["additionalProperties"], "additionalProperties cannot be set to false")
        }
        for key in ["$ref", "$schema", "id", "definitions", "dependencies", "patternProperties", "additionalItems"]
        where !json[key].isNull && json[key] != "" {
            errors.forbidden(field[key], "\(key) is not supported")
        }
    }

    private mutating func lists(_ field: Field, _ type: String) {
        let listType = field["x-kubernetes-list-type"]
        let keys = field["x-kubernetes-list-map-keys"]
        if listType.isPresent {
            if type != "array" {
                errors.invalid(field["type"], "must be array if x-kubernetes-list-type is set")
            }
            if !["atomic", "map", "set"].contains(listType.text) {
                errors.notSupported(listType, ["atomic", "map", "set"])
            }
        }
        if listType.text == "map" {
            if keys.json.items.isEmpty {
                errors.required(keys, "must not be empty if x-kubernetes-list-type is map")
            }
            let items = field["items"]
            if items["type"].text != "object" {
                errors.invalid(items["type"], "must be object if parent array's x-kubernetes-list-type is map")
            }
            let required = Set(items["required"].json.items.compactMap(\.string))
            for key in keys.items {
                let property = items["properties"].entry(key.text)
                if property.isAbsent {
                    errors.invalid(key, "entries must all be names of item properties")
                } else if ["object", "array"].contains(property["type"].text) {
                    errors.invalid(
                        property["type"], "must be a scalar type if parent array's x-kubernetes-list-type is map")
                } else if !required.contains(key.text), property["default"].isAbsent {
                    errors.required(
                        property["default"],
                        "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property"
                    )
                }
            }
        } else if !keys.json.items.isEmpty {
            errors.forbidden(keys, "must be empty if x-kubernetes-list-type is not map")
        }
        let mapType = field["x-kubernetes-map-type"]
        if mapType.isPresent {
            if !["atomic", "granular"].contains(mapType.text) { errors.notSupported(mapType, ["atomic", "granular"]) }
            if type != "object" { errors.invalid(field["type"], "must be object if x-kubernetes-map-type is set") }
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
        for key in ["maxLength", "minLength", "maxItems", "minItems", "maxProperties", "minProperties"] {
            errors.nonNegative(field[key])
        }
    }

    /// Inside `allOf` and its like only values are restricted.
    private mutating func combinations(_ field: Field) {
        var inner: [Field] = []
        for key in ["allOf", "anyOf", "oneOf"] { inner += field[key].items }
        if field["not"].isPresent { inner.append(field["not"]) }
        let isIntOrString = field["x-kubernetes-int-or-string"].bool
        for nested in inner { restriction(nested, allowsType: isIntOrString) }
    }

    private mutating func restriction(_ field: Field, allowsType: Bool) {
        guard errors.count < Limits.fieldErrorsMax else { return }
        let json = field.json
        if !(json["type"].string ?? "").isEmpty, !allowsType {
            errors.forbidden(field["type"], "must be empty to be structural")
        }
        for (key, text) in [
            ("additionalProperties", "must be undefined to be structural"),
            ("default", "must be undefined to be structural"),
        ] where !json[key].isNull {
            errors.forbidden(field[key], text)
        }
        for key in ["description", "title"] where !(json[key].string ?? "").isEmpty {
            errors.forbidden(field[key], "must be empty to be structural")
        }
        if json["nullable"].bool ?? false { errors.forbidden(field["nullable"], "must be false to be structural") }
        for key in [
            "x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource", "x-kubernetes-int-or-string",
        ] where json[key].bool ?? false {
            errors.forbidden(field[key], "must be false to be structural")
        }
        for key in ["x-kubernetes-list-type", "x-kubernetes-map-type"] where !json[key].isNull {
            errors.forbidden(field[key], "must be undefined to be structural")
        }
        values(field)
        for (_, property) in field["properties"].entries { restriction(property, allowsType: false) }
        if json["items"].object != nil { restriction(field["items"], allowsType: false) }
        for key in ["allOf", "anyOf", "oneOf"] {
            for nested in field[key].items { restriction(nested, allowsType: allowsType) }
        }
        if json["not"].object != nil { restriction(field["not"], allowsType: false) }
    }

    /// A default has to be what the schema itself would accept, with nothing to drop.
    private mutating func fallback(_ field: Field) {
        guard let value = field.json.object?["default"], !value.isNull else { return }
        let schema = StructuralSchema(field.json)
        var dropped: [String] = []
        _ = schema.prune(value, isObject: schema.isEmbedded, &dropped)
        if let first = dropped.first {
            errors.invalid(field["default"], "must be pruned: the field \(first) is not in the schema")
        }
        for error in schema.validate(schema.fill(value)).prefix(1) {
            errors.invalid(field["default"], "must validate: \(error.detail)")
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
