import Shared

/// The check of a value against a schema, with the texts of go-openapi as Kubernetes shows them.
extension StructuralSchema {
    func validate(_ value: JSON) -> [FieldError] {
        var errors: [FieldError] = []
        check(value, "", isObject: true, &errors)
        if errors.isEmpty { checkLists(value, "", &errors) }
        return errors
    }

    private func check(_ value: JSON, _ path: String, isObject: Bool = false, _ errors: inout [FieldError]) {
        guard errors.count < Limits.fieldErrorsMax else { return }
        if value.isNull, isNullable { return }
        checks.checkType(value, path, &errors)
        checks.checkCombinations(value, path, &errors)
        checks.checkValue(value, path, &errors)
        switch value {
        case .array(let list):
            if let items {
                for (index, item) in list.enumerated() { items.check(item, "\(path)[\(index)]", &errors) }
            }
            checks.checkCount(list.count, path, &errors)
        case .object(let members):
            guard checks.checkCount(of: members, path, &errors) else { return }
            for (key, member) in members.sorted() {
                if let schema = self.member(key) {
                    schema.check(member, path.isEmpty ? key : "\(path).\(key)", &errors)
                }
            }
            checks.checkRequired(members, path, &errors)
        default: break
        }
    }

    /// Sets hold a value once, keyed lists a key. Source: `listtype.ValidateListSetsAndMaps`.
    private func checkLists(_ value: JSON, _ path: String, _ errors: inout [FieldError]) {
        guard errors.count < Limits.fieldErrorsMax else { return }
        switch value {
        case .array(let list):
            switch listType {
            case .atomic: break
            case .set: StructuralSchema.duplicates(list, path, &errors) { $0 }
            case .map(let keys):
                StructuralSchema.duplicates(list, path, &errors) { item in
                    var key = JSON.Members()
                    for name in keys where !item[name].isNull { key.append(name, item[name]) }
                    return .object(key)
                }
            }
            if let items {
                for (index, item) in list.enumerated() { items.checkLists(item, "\(path)[\(index)]", &errors) }
            }
        case .object(let members):
            for (key, member) in members {
                if let schema = self.member(key) {
                    schema.checkLists(member, path.isEmpty ? key : "\(path).\(key)", &errors)
                }
            }
        default: break
        }
    }

    private static func duplicates(
        _ list: [JSON], _ path: String, _ errors: inout [FieldError], _ key: (JSON) -> JSON
    ) {
        var seen: Set<JSON> = []
        for (index, item) in list.enumerated() {
            let key = key(item)
            if !seen.insert(key).inserted {
                errors.append(FieldError(reason: .duplicate, field: "\(path)[\(index)]", value: key.goText))
            }
        }
    }
}

extension NestedChecks {
    func check(_ value: JSON, _ path: String, _ errors: inout [FieldError]) {
        guard errors.count < Limits.fieldErrorsMax else { return }
        checks.checkType(value, path, &errors)
        checks.checkCombinations(value, path, &errors)
        checks.checkValue(value, path, &errors)
        switch value {
        case .array(let list):
            if let items {
                for (index, item) in list.enumerated() { items.check(item, "\(path)[\(index)]", &errors) }
            }
            checks.checkCount(list.count, path, &errors)
        case .object(let members):
            guard checks.checkCount(of: members, path, &errors) else { return }
            for (key, member) in members.sorted() {
                let inner = properties.first { $0.name == key }?.checks ?? others
                inner?.check(member, path.isEmpty ? key : "\(path).\(key)", &errors)
            }
            checks.checkRequired(members, path, &errors)
        default: break
        }
    }
    fileprivate func errors(_ value: JSON, _ path: String) -> [FieldError] {
        var errors: [FieldError] = []
        check(value, path, &errors)
        return errors
    }
}

extension ValueChecks {
    fileprivate func checkType(_ value: JSON, _ path: String, _ errors: inout [FieldError]) {
        guard !types.isEmpty else { return }
        let found = value.schemaType
        if types.contains(found) || (found == "integer" && types.contains("number")) { return }
        func complain(_ wanted: String, _ found: String) {
            errors.append(
                FieldError(
                    reason: .invalid, field: path, value: found.goQuoted,
                    detail: "\(path) in body must be of type \(wanted): \(found.goQuoted)"))
        }
        // A format that is known says more than the type, and is not asked of lists.
        if StringFormat(rawValue: format) != nil, !types.contains("integer"), !types.contains("number") {
            switch value {
            case .int: return complain(format, "int64")
            case .double: return complain(format, "float64")
            case .bool, .object: return complain(format, "")
            case .array: return
            case .string, .null: break
            }
        }
        complain(types.joined(separator: ","), found)
    }

    fileprivate func checkValue(_ value: JSON, _ path: String, _ errors: inout [FieldError]) {
        func complain(_ text: String) {
            errors.append(
                FieldError(reason: .invalid, field: path, value: value.goText, detail: "\(path) in body \(text)"))
        }
        if case .string(let text) = value {
            let length = text.unicodeScalars.count
            // Of these only the first is told.
            if let lengthMost, length > lengthMost {
                complain("should be at most \(lengthMost) chars long")
            } else if let lengthLeast, length < lengthLeast {
                complain("should be at least \(lengthLeast) chars long")
            } else if let pattern, !pattern.occurs(in: text) {
                complain("should match '\(patternText)'")
            }
            if !format.isEmpty, let format = StringFormat(rawValue: format), !format.holds(text) {
                complain("must be of type \(format.rawValue): \(text.goQuoted)")
            }
        }
        if let number = value.double {
            if let multipleOf, multipleOf > 0 {
                let quotient = number / multipleOf
                if quotient != quotient.rounded() { complain("should be a multiple of \(multipleOf.goText)") }
            }
            if let minimum, isMinimumExclusive ? number <= minimum : number < minimum {
                complain("should be greater than \(isMinimumExclusive ? "" : "or equal to ")\(minimum.goText)")
            }
            if let maximum, isMaximumExclusive ? number >= maximum : number > maximum {
                complain("should be less than \(isMaximumExclusive ? "" : "or equal to ")\(maximum.goText)")
            }
        }
        if let allowed, !allowed.contains(where: { $0.isSame(as: value) }) {
            errors.append(
                FieldError(
                    reason: .notSupported, field: path, value: value.goText,
                    detail: "supported values: " + allowed.map { $0.plainText.goQuoted }.joined(separator: ", ")))
        }
    }

    fileprivate func checkCount(_ count: Int, _ path: String, _ errors: inout [FieldError]) {
        func complain(_ limit: Int, _ text: String) {
            errors.append(
                FieldError(
                    reason: .invalid, field: path, value: String(limit),
                    detail: "\(path) in body should have at \(text) \(limit) items"))
        }
        if let itemsLeast, count < itemsLeast { complain(itemsLeast, "least") }
        if let itemsMost, count > itemsMost { complain(itemsMost, "most") }
    }

    /// - Returns: false when the object has so many or few members that they are not looked at.
    fileprivate func checkCount(of members: JSON.Members, _ path: String, _ errors: inout [FieldError]) -> Bool {
        func complain(_ limit: Int, _ text: String) -> Bool {
            errors.append(
                FieldError(
                    reason: .invalid, field: path, value: String(limit),
                    detail: "\(path) in body should have at \(text) \(limit) properties"))
            return false
        }
        if let propertiesLeast, members.count < propertiesLeast { return complain(propertiesLeast, "least") }
        if let propertiesMost, members.count > propertiesMost { return complain(propertiesMost, "most") }
        return true
    }

    fileprivate func checkRequired(_ members: JSON.Members, _ path: String, _ errors: inout [FieldError]) {
        for name in required where members[name] == nil {
            errors.append(FieldError(reason: .required, field: path.isEmpty ? name : "\(path).\(name)"))
        }
    }

    /// The conditions of which some must hold. Their complaints carry no field, as in Kubernetes.
    fileprivate func checkCombinations(_ value: JSON, _ path: String, _ errors: inout [FieldError]) {
        func complain(_ text: String) {
            errors.append(
                FieldError(
                    reason: .invalid, field: "<nil>", value: "\"\"", detail: "\(path.goQuoted) must \(text)"))
        }
        if !any.isEmpty {
            let results = any.map { $0.errors(value, path) }
            if !results.contains(where: \.isEmpty) {
                complain("validate at least one schema (anyOf)")
                // The alternative that comes closest tells more.
                errors += results.min { $0.count < $1.count } ?? []
            }
        }
        if !one.isEmpty {
            let results = one.map { $0.errors(value, path) }
            let valid = results.count(where: \.isEmpty)
            if valid == 0 {
                complain("validate one and only one schema (oneOf). Found none valid")
                errors += results.min { $0.count < $1.count } ?? []
            } else if valid > 1 {
                complain("validate one and only one schema (oneOf). Found \(valid) valid alternatives")
            }
        }
        if !all.isEmpty {
            let results = all.map { $0.errors(value, path) }
            errors += results.flatMap { $0 }
            let valid = results.count(where: \.isEmpty)
            if valid < results.count {
                complain("validate all the schemas (allOf)\(valid == 0 ? ". None validated" : "")")
            }
        }
        if let none, none.errors(value, path).isEmpty { complain("not validate the schema (not)") }
    }
}

extension JSON {
    /// The name of the value's type in a schema.
    var schemaType: String {
        switch self {
        case .null: "null"
        case .bool: "boolean"
        case .int: "integer"
        case .double(let number): number == number.rounded() && abs(number) < 1e15 ? "integer" : "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }

    /// Numbers are the same whether or not they are written with a fraction.
    func isSame(as other: JSON) -> Bool {
        if let left = double, let right = other.double { return left == right }
        return self == other
    }

    /// Text without quotes, anything else as JSON.
    var plainText: String { if case .string(let text) = self { text } else { encodedText } }

    /// The value as Go's `%#v` shows it in an error.
    var goText: String {
        switch self {
        case .string(let text): text.goQuoted
        case .object(let members):
            "map[string]interface {}{"
                + members.sorted().map { "\($0.key.goQuoted):\($0.value.goText)" }.joined(separator: ", ") + "}"
        case .array(let items): "[]interface {}{" + items.map(\.goText).joined(separator: ", ") + "}"
        case .null: "null"
        default: encodedText
        }
    }
}

extension Double {
    /// Without a fraction where there is none.
    fileprivate var goText: String {
        if let whole = Int64(exactly: self) { return String(whole) }
        return String(self)
    }
}
