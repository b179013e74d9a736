import Shared

/// The few facts of an object that selectors, indexes and garbage collection need, so that no list parses JSON.
struct Projection: Sendable, Equatable {
    /// Makes the projection of an object that is written or loaded; the registry owns it.
    typealias Make = @Sendable (GroupResource, JSON) -> Projection

    var uid = ""
    var labels: [String: String] = [:]
    /// Values by field path, such as `spec.nodeName`: those that field selectors may name.
    var fields: [String: String] = [:]
    /// The uids of the owners.
    var owners: [String] = []
    /// Whether the object has a deletion timestamp.
    var deleting = false
}

extension Projection {
    /// What every object has: everything but fields of its kind.
    init(metadata: ObjectMeta) {
        uid = metadata.uid
        labels = metadata.labels
        owners = metadata.ownerReferences.map(\.uid)
        deleting = metadata.isDeleting
    }
}
