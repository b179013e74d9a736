import Shared

extension JSON {
    /// With the keys of every object in alphabetical order, as kubectl prints objects.
    var sorted: JSON {
        switch self {
        case .object(let members): .object(JSON.Members(members.sorted().map { ($0.key, $0.value.sorted) }))
        case .array(let items): .array(items.map(\.sorted))
        default: self
        }
    }

    /// Without the bookkeeping of field owners, which nobody wants to read.
    var withoutManagedFields: JSON {
        var json = self
        if !json["metadata"]["managedFields"].isNull { json["metadata"].remove("managedFields") }
        return json
    }
}
