import Shared

/// Whether an object may be stored. Pure: the object as it would be stored goes in, the fields that are wrong come out.
/// Source: Kubernetes's `pkg/apis/*/validation`.
enum Validation {
    /// Errors of a new object.
    static func create(_ object: JSON, _ resource: Resource) -> [FieldError] {
        []
    }
    /// Errors of an object that is to replace `old`.
    static func update(_ object: JSON, _ old: JSON, _ resource: Resource) -> [FieldError] {
        []
    }
    /// Errors of an object whose status is to replace the one of `old`.
    static func status(_ object: JSON, _ old: JSON, _ resource: Resource) -> [FieldError] {
        []
    }
}
