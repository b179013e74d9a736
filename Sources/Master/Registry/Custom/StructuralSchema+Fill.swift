import Shared

/// Pruning and defaulting: what makes of a value that was sent the value that is stored.
extension StructuralSchema {
    /// Drops members that the schema does not name.
    /// - Parameter dropped: gets the paths of what was dropped, at most `Limits.strictErrorsMax`.
    /// - Parameter isObject: the value is a whole object: its type and metadata are not the schema's business.
    func prune(_ value: JSON, isObject: Bool, path: String = "", _ dropped: inout [String]) -> JSON {
        switch value {
        case .array(let list):
            guard let items else { return value }
            var result: [JSON] = []
            result.reserveCapacity(list.count)
            for (index, item) in list.enumerated() {
                result.append(items.prune(item, isObject: items.isEmbedded, path: "\(path)[\(index)]", &dropped))
            }
            return .array(result)
        case .object(let members):
            var result = JSON.Members()
            result.reserveCapacity(members.count)
            for (key, member) in members {
                let place = path.isEmpty ? key : "\(path).\(key)"
                if isObject, StructuralSchema.embeddedKeys.contains(key) {
                    result.append(key, member)
                } else if let schema = self.member(key) {
                    result.append(key, schema.prune(member, isObject: schema.isEmbedded, path: place, &dropped))
                } else if keepsOthers {
                    result.append(key, member)
                } else if dropped.count < Limits.strictErrorsMax {
                    dropped.append(place)
                }
            }
            return .object(result)
        default: return value
        }
    }

    private var keepsOthers: Bool {
        if preservesUnknown { return true }
        if case .any = others { return true }
        return false
    }

    /// Puts defaults where nothing is. A null where none may be counts as nothing.
    func fill(_ value: JSON) -> JSON {
        switch value {
        case .array(let list):
            guard let items, items.hasDefaults || items.hasNullRules else { return value }
            return .array(list.map { items.fill($0) })
        case .object(let members):
            var result = JSON.Members()
            result.reserveCapacity(members.count)
            for (key, member) in members {
                guard let schema = self.member(key) else {
                    result.append(key, member)
                    continue
                }
                if member.isNull, !schema.isNullable {
                    // A default comes below.
                    if self[key] == nil { result.append(key, member) }
                    continue
                }
                result.append(key, schema.fill(member))
            }
            for (name, schema) in properties where result[name] == nil {
                if let fallback = schema.fallback { result.append(name, schema.fill(fallback)) }
            }
            return .object(result)
        default: return value
        }
    }

    /// Nulls have to be looked for inside.
    private var hasNullRules: Bool { !properties.isEmpty || items != nil }
}
