import Shared

/// The table form of objects, as `kubectl get` asks for it. Source: `pkg/printers/internalversion`.
enum Table {
    /// What a row carries of its object. Source: the query parameter `includeObject`.
    enum Inclusion: String, Sendable {
        case none = "None"
        case metadata = "Metadata"
        case object = "Object"
    }

    /// A whole table. `listMetadata` is the metadata of the list: resourceVersion, continue, remainingItemCount.
    static func make(
        _ resource: Resource, _ objects: [JSON], include: Inclusion = .metadata, now: Timestamp,
        listMetadata: JSON = [:]
    ) -> JSON { [:] }
}
