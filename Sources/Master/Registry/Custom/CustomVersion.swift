import Shared

/// One served version of a custom resource: what the server has to know of it beside its names.
///
/// Made anew whenever the definition changes. A class, because every resource value and request shares it.
final class CustomVersion: Sendable, Hashable {
    /// A column of its table.
    struct Column: Sendable {
        let column: TableColumn
        let path: FieldPath?
    }
    /// Where its replicas are.
    struct ScalePaths: Sendable {
        let replicas: [String]
        let currentReplicas: [String]
        /// Empty when it has no selector.
        let selector: [String]
    }

    let schema: StructuralSchema
    /// As the definition has it; for documentation.
    let document: JSON
    let columns: [Column]
    let scale: ScalePaths?
    let hasStatus: Bool
    /// Told to everyone who uses the version; nil when it is current.
    let warning: String?
    /// The definition is on its way out: nothing new is accepted.
    let isTerminating: Bool
    /// Changes with every change of the definition.
    let generation: Int
    /// Objects may be stored in another version, or lack what defaults give them.
    let needsReading: Bool

    init(_ definition: JSON, _ version: JSON, _ resource: (kind: String, apiVersion: String)) {
        document = version.at("schema", "openAPIV3Schema")
        schema = StructuralSchema(document)
        hasStatus = !version.at("subresources", "status").isNull
        let paths = version.at("subresources", "scale")
        func path(_ key: String) -> [String] {
            guard let text = paths[key].string else { return [] }
            return (try? FieldPath(text))?.members ?? []
        }
        scale =
            paths.isNull
            ? nil
            : ScalePaths(
                replicas: path("specReplicasPath"), currentReplicas: path("statusReplicasPath"),
                selector: path("labelSelectorPath"))
        columns = CustomVersion.columns(version["additionalPrinterColumns"].items)
        let isDeprecated = version["deprecated"].bool ?? false
        warning =
            isDeprecated
            ? version["deprecationWarning"].string ?? "\(resource.apiVersion) \(resource.kind) is deprecated" : nil
        isTerminating = Object(definition).metadata.isDeleting
        generation = Object(definition).metadata.generation
        needsReading = definition["spec"]["versions"].items.count > 1 || schema.hasDefaults
    }

    private static func columns(_ list: [JSON]) -> [Column] {
        var columns = [Column(column: TableColumn(name: "Name", type: "string", format: "name"), path: nil)]
        if list.isEmpty {
            columns.append(
                Column(
                    column: TableColumn(name: "Age", type: "date"), path: try? FieldPath(".metadata.creationTimestamp")
                ))
        }
        for item in list {
            let column = TableColumn(
                name: item["name"].string ?? "", type: item["type"].string ?? "string",
                format: item["format"].string ?? "", priority: item["priority"].int ?? 0,
                description: item["description"].string
                    ?? "Custom resource definition column (in JSONPath format): \(item["jsonPath"].string ?? "")")
            columns.append(Column(column: column, path: try? FieldPath(item["jsonPath"].string ?? "")))
        }
        return columns
    }

    static func == (left: CustomVersion, right: CustomVersion) -> Bool { left === right }
    func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }

    // MARK: Writing

    /// Reads `json` as an object of this version: its metadata by the rules of all objects, the rest by the schema.
    /// - Throws: 400 when the metadata has a wrong type, or on unknown fields in strict mode.
    func decode(
        _ json: JSON, as kind: GroupVersionKind, fieldValidation: FieldValidation, duplicates: [String]
    ) throws(Status) -> Schema.Decoded {
        var object = json
        var unknown: [String] = []
        let dropped: [String]
        do throws(Schema.Unreadable) {
            let metadata = try Schema.metadata(json["metadata"])
            object["metadata"] = metadata.object
            unknown = metadata.unknown.map { "metadata.\($0)" }
            (object, dropped) = shaped(object)
            var inside: [String] = []
            object = try schema.readEmbedded(object, &inside)
            unknown += dropped + inside
        } catch {
            throw Status(.badRequest, Schema.refusalPrefix(kind) + error.message)
        }
        let findings =
            duplicates.prefix(Limits.strictErrorsMax).map { "duplicate field \"\($0)\"" }
            + unknown.map { "unknown field \"\($0)\"" }
        if fieldValidation == .strict, !findings.isEmpty {
            throw Status(
                .badRequest,
                Schema.refusalPrefix(kind) + "strict decoding error: " + findings.joined(separator: ", "))
        }
        return Schema.Decoded(object: object, warnings: fieldValidation == .warn ? findings : [])
    }

    /// An object in the form in which it is stored: pruned, with its defaults.
    /// - Returns: the object and the paths of what was dropped.
    func shaped(_ object: JSON) -> (object: JSON, dropped: [String]) {
        var dropped: [String] = []
        let pruned = schema.prune(object, isObject: true, &dropped)
        return (schema.fill(pruned), dropped)
    }

    /// - Parameter old: the object before; nil for a new one.
    func validate(_ object: JSON, old: JSON?) -> [FieldError] {
        var errors = schema.validate(object)
        if let scale {
            for (path, what) in [(scale.replicas, true), (scale.currentReplicas, hasStatus)] where what {
                if let number = object.at(path).int, number < 0 {
                    errors.append(
                        FieldError(
                            reason: .invalid, field: "." + path.joined(separator: "."), value: String(number),
                            detail: "should be a non-negative integer"))
                }
            }
        }
        errors += schema.validateEmbedded(object)
        guard schema.hasRules else { return errors }
        if errors.isEmpty { return schema.checkRules(object, old: old) }
        errors.append(
            FieldError(
                reason: .invalid, field: "<nil>", value: "\"null\"",
                detail:
                    "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation"
            ))
        return errors
    }

    // MARK: Reading

    /// The object as this version shows it.
    func read(_ object: JSON, apiVersion: String) -> JSON {
        var result = schema.hasDefaults ? schema.fill(object) : object
        if result["apiVersion"].string != apiVersion { result["apiVersion"] = .string(apiVersion) }
        return result
    }

    func read(_ stored: Stored, _ resource: Resource) throws(Status) -> Stored {
        guard needsReading else { return stored }
        let object = try stored.json()
        let read = read(object, apiVersion: resource.apiVersion)
        if read == object { return stored }
        return Stored(
            key: stored.key, revision: stored.revision, bytes: Storage.canonical(read, resource).encoded,
            projection: stored.projection)
    }

    // MARK: Tables

    func cells(_ object: JSON, now: Timestamp) -> [JSON] {
        columns.map { column in
            guard let path = column.path else {
                return column.column.format == "name" ? object["metadata"]["name"] : .null
            }
            guard let value = path.values(in: object).first, !value.isNull else { return .null }
            switch column.column.type {
            case "integer":
                if let number = value.int { return JSON(number) }
                return value.double.flatMap { Int64(exactly: $0.rounded(.towardZero)) }.map(JSON.int) ?? .null
            case "number": return value.double == nil ? .null : value
            case "boolean": return value.bool == nil ? .null : value
            case "date":
                guard let time = value.string.flatMap({ Timestamp(rfc3339: $0) }) else { return "<invalid>" }
                return .string((now - time).human)
            default: return .string(value.plainText)
            }
        }
    }
}

extension Resource {
    /// The served versions of a definition whose names are accepted; none before that.
    static func custom(_ definition: JSON) -> [Resource] {
        let conditions = definition["status"]["conditions"].items
        let isEstablished = conditions.contains { $0["type"] == "Established" && $0["status"] == "True" }
        let names = definition["status"]["acceptedNames"]
        guard isEstablished, let plural = names["plural"].string, let kind = names["kind"].string, !plural.isEmpty,
            let group = definition["spec"]["group"].string
        else { return [] }
        let isTerminating = Object(definition).metadata.isDeleting
        return definition["spec"]["versions"].items.filter { $0["served"].bool ?? false }.compactMap { version in
            guard let name = version["name"].string else { return nil }
            let custom = CustomVersion(definition, version, (kind, "\(group)/\(name)"))
            var resource = Resource(
                group: group, version: name, plural: plural, singular: names["singular"].string ?? kind.lowercased(),
                kind: kind, listKind: names["listKind"].string ?? "\(kind)List",
                shortNames: names["shortNames"].items.compactMap(\.string),
                categories: names["categories"].items.compactMap(\.string),
                isNamespaced: definition["spec"]["scope"] == "Namespaced",
                verbs: isTerminating
                    ? ["delete", "deletecollection", "get", "list", "watch"]
                    : ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"])
            resource.custom = custom
            resource.selectors = [Selector(label: "metadata.name", path: ["metadata", "name"])]
            if resource.isNamespaced {
                resource.selectors.append(Selector(label: "metadata.namespace", path: ["metadata", "namespace"]))
            }
            for field in version["selectableFields"].items {
                guard let text = field["jsonPath"].string, let path = (try? FieldPath(text))?.members else { continue }
                resource.selectors.append(Selector(label: path.joined(separator: "."), path: path))
            }
            let writes = isTerminating ? ["get"] : ["get", "patch", "update"]
            if custom.hasStatus {
                resource.subresources.append(
                    Subresource(
                        name: "status", group: group, version: name, kind: kind, verbs: writes, isForeign: false,
                        takesPath: false))
            }
            if custom.scale != nil {
                resource.subresources.append(
                    Subresource(
                        name: "scale", group: "autoscaling", version: "v1", kind: "Scale", verbs: writes,
                        isForeign: true, takesPath: false))
            }
            resource.strategy.hasStatus = custom.hasStatus
            resource.strategy.tracksGeneration = true
            resource.strategy.allowsUnconditionalUpdate = false
            return resource
        }
    }
}
