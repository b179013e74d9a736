import Shared

/// Notes in `metadata.managedFields` who has written what. Runs after an object is decoded, defaulted and prepared, and
/// before admission: what the server itself adds to an object belongs to nobody.
extension Storage {
    /// The list of a new object.
    /// - Parameter decoded: the object as its writer sent it.
    func noteCreation(of object: inout JSON, sent decoded: JSON, _ access: Access, _ options: WriteOptions) {
        guard options.ownership == .updated else { return }
        let resource = access.resource
        var managed = ManagedFields(of: object, over: .null, isWhole: true)
        let comparison = Comparison(
            from: resource.zero, to: resource.authored(object, sent: decoded), resource.mergeType)
        managed.update(
            comparison.excluding(resource.unwritten("")), by: manager(access, options), at: clock.now())
        object["metadata"].set("managedFields", managed.json)
    }

    /// The list of an object that takes the place of `old`. What nobody owned before stays without owners, as the
    /// objects of those who have cleared the list.
    func noteChange(of object: inout JSON, from old: JSON, _ access: Access, _ options: WriteOptions) {
        guard options.ownership == .updated else { return }
        let isWhole = access.subresource.isEmpty && options.notedSubresource == nil
        var managed = ManagedFields(of: object, over: old, isWhole: isWhole)
        if !managed.isEmpty {
            let comparison = Comparison(from: old, to: object, access.resource.mergeType)
            managed.update(comparison, by: manager(access, options), at: clock.now())
        }
        object["metadata"].set("managedFields", managed.json)
    }

    private func manager(_ access: Access, _ options: WriteOptions) -> ManagedFields.Manager {
        ManagedFields.Manager(
            name: options.fieldManager.isEmpty ? "unknown" : options.fieldManager, operation: .update,
            apiVersion: access.resource.apiVersion, subresource: options.notedSubresource ?? access.subresource)
    }

    /// Whether a write changes nothing but the times in the list of owners, and so nothing at all.
    static func isUnchanged(_ new: JSON, from old: JSON) -> Bool {
        if new == old { return true }
        let (mine, theirs) = (new["metadata"]["managedFields"], old["metadata"]["managedFields"])
        guard mine != theirs, ManagedFields.agree(mine, theirs) else { return false }
        var same = new
        same["metadata"]["managedFields"] = theirs
        return same == old
    }
}

extension Resource {
    /// Brings an object of the resource into its schema.
    func decode(
        _ object: JSON, _ validation: FieldValidation, duplicates: [String] = []
    ) throws(Status) -> Schema.Decoded {
        let type = GroupVersionKind(group: group, version: version, kind: kind)
        if let custom {
            return try custom.decode(object, as: type, fieldValidation: validation, duplicates: duplicates)
        }
        return try Schema.decode(object, as: type, fieldValidation: validation, duplicates: duplicates)
    }

    /// How the objects are merged and owned.
    var mergeType: MergeType {
        if let custom { return CustomStructure.root(custom.schema) }
        return SchemaStructure.root(self)
    }

    /// An object in which nothing is set, as the server would write it.
    var zero: JSON { schemaType.flatMap(Schema.type)?.zero ?? [:] }

    /// What writers of a path can not change and so do not own. Source: `GetResetFields` of `pkg/registry/*/strategy.go`.
    func unwritten(_ subresource: String) -> FieldSet {
        switch subresource {
        case "": strategy.hasStatus ? FieldSet(path: ["f:status"]) : FieldSet()
        case "status":
            custom.map { custom in
                FieldSet(
                    custom.schema.properties.map(\.name).filter { $0 != "status" }
                        .map { FieldSet.Node(step: "f:" + $0, isMember: true) })
            }
                ?? fixedByStatus.reduce(FieldSet(path: ["f:spec"])) {
                    $0.union(FieldSet(path: ["f:metadata", "f:" + $1]))
                }
        default: FieldSet()
        }
    }

    /// A new object without what the server has chosen itself while it prepared it.
    func authored(_ object: JSON, sent: JSON) -> JSON {
        var result = object
        switch groupResource.description {
        case "namespaces": result["spec"].set("finalizers", sent["spec"].object?["finalizers"])
        case "jobs.batch":
            result["spec"].set("selector", sent["spec"].object?["selector"])
            result["spec"]["template"]["metadata"].set(
                "labels", sent["spec"]["template"]["metadata"].object?["labels"])
        default: break
        }
        return result
    }
}
