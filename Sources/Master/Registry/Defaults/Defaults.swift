import Shared

/// The values that the API gives to fields which a client left out. Source: Kubernetes's `defaults.go` files.
enum Defaults {
    /// Fills in `object`, which has been decoded with its schema.
    static func apply(to object: inout JSON, _ resource: Resource) {
    }
}
