/// JSON patches. Source: RFC 6902; negative indexes as in github.com/evanphx/json-patch.
package enum JSONPatch {
    /// Reads and applies the body of a request.
    /// - Throws: 400 for a body that is no patch, 413 for one that is too large, 422 for one that does not apply.
    package static func apply(_ body: [UInt8], to target: JSON) throws(Status) -> JSON {
        let patch: JSON
        do { patch = try JSON(parsing: body) } catch { throw Status(.badRequest, error.description) }
        return try apply(patch, to: target)
    }

    package static func apply(_ patch: JSON, to target: JSON) throws(Status) -> JSON {
        guard case .array(let operations) = patch else {
            throw Status(.badRequest, "json: cannot unmarshal \(patch.goKind) into Go value of type jsonpatch.Patch")
        }
        for operation in operations where operation.object == nil {
            throw Status(
                .badRequest, "json: cannot unmarshal \(operation.goKind) into Go value of type jsonpatch.Operation")
        }
        guard operations.count <= Limits.jsonPatchOperationsMax else {
            throw Status(
                .requestEntityTooLarge,
                "The allowed maximum operations in a JSON patch is \(Limits.jsonPatchOperationsMax), got \(operations.count)"
            )
        }
        var result = target
        var copiedBytes = 0
        for operation in operations { try apply(operation, to: &result, &copiedBytes) }
        return result
    }

    private static func apply(_ operation: JSON, to target: inout JSON, _ copiedBytes: inout Int) throws(Status) {
        let path = try pointer(operation["path"])
        // The value of `"value": null` and of no value at all are one.
        let value = operation["value"]
        switch operation["op"].string {
        case "add": try edit(&target, path[...], .add(value))
        case "remove": try edit(&target, path[...], .remove)
        case "replace": try edit(&target, path[...], .replace(value))
        case "move":
            let from = try pointer(operation["from"])
            if path.count > from.count, path.starts(with: from) { throw refused }
            let moved = try find(target, from)
            try edit(&target, from[...], .remove)
            try edit(&target, path[...], .add(moved))
        case "copy":
            let copied = try find(target, try pointer(operation["from"]))
            copiedBytes += copied.encoded.count
            guard copiedBytes <= Limits.jsonPatchCopyBytesMax else {
                throw Status(.requestEntityTooLarge, "the copy operations of the patch add more bytes than are allowed")
            }
            try edit(&target, path[...], .add(copied))
        case "test": guard try find(target, path, orNull: true) == value else { throw refused }
        default: throw refused
        }
    }

    /// The answer to every patch that can be read but not applied.
    private static var refused: Status {
        var status = Status(.invalid, "the server rejected our request due to an error in our request")
        status.showsDetails = true
        return status
    }

    private static func pointer(_ json: JSON) throws(Status) -> [String] {
        guard let text = json.string, text.isEmpty || text.hasPrefix("/") else { throw refused }
        return text.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map { unescaped(String($0)) }
    }

    /// `~1` is a slash, `~0` a tilde.
    private static func unescaped(_ text: String) -> String {
        guard text.contains("~") else { return text }
        var result = ""
        var rest = text[...]
        while let first = rest.popFirst() {
            if first == "~", let next = rest.first, next == "0" || next == "1" {
                rest.removeFirst()
                result.append(next == "0" ? "~" : "/")
            } else {
                result.append(first)
            }
        }
        return result
    }

    private enum Edit {
        case add(JSON)
        case remove
        case replace(JSON)
    }

    private static func edit(_ target: inout JSON, _ path: ArraySlice<String>, _ edit: Edit) throws(Status) {
        // The document as a whole can not be the target, as in the reference.
        guard let key = path.first else { throw refused }
        let isLast = path.count == 1
        switch target {
        case .object(var members):
            target = .null
            if !isLast {
                guard var child = members[key] else { throw refused }
                try self.edit(&child, path.dropFirst(), edit)
                members.set(key, child)
            } else {
                switch edit {
                // As in the reference, a replaced member need not exist.
                case .add(let value), .replace(let value): members.set(key, value)
                case .remove: guard members.removeValue(for: key) != nil else { throw refused }
                }
            }
            target = .object(members)
        case .array(var items):
            target = .null
            if !isLast {
                let index = try index(key, in: items.count)
                try self.edit(&items[index], path.dropFirst(), edit)
            } else {
                switch edit {
                case .add(let value):
                    if key == "-" {
                        items.append(value)
                    } else {
                        items.insert(value, at: try index(key, in: items.count + 1))
                    }
                case .remove: items.remove(at: try index(key, in: items.count))
                case .replace(let value): items[try index(key, in: items.count)] = value
                }
            }
            target = .array(items)
        default: throw refused
        }
    }

    private static func index(_ text: String, in count: Int) throws(Status) -> Int {
        guard let given = Int(text) else { throw refused }
        let (index, overflow) = given < 0 ? given.addingReportingOverflow(count) : (given, false)
        guard !overflow, index >= 0, index < count else { throw refused }
        return index
    }

    private static func find(_ target: JSON, _ path: [String], orNull: Bool = false) throws(Status) -> JSON {
        var value = target
        for (depth, key) in path.enumerated() {
            switch value {
            case .object(let members):
                if let member = members[key] {
                    value = member
                } else if orNull, depth == path.count - 1 {
                    value = .null
                } else {
                    throw refused
                }
            case .array(let items): value = items[try index(key, in: items.count)]
            default: throw refused
            }
        }
        return value
    }
}
