/// Fixed upper bounds. Nothing in the system grows without one. A folder adds its own in
/// `Limits+Folder.swift`; every doc comment says what happens at the bound.
package enum Limits {
    /// Largest stored object, bytes of encoded JSON; a larger one is refused with 413.
    /// Source: etcd's default request limit.
    package static let objectBytesMax = 1_572_864
    /// Largest request body, bytes; a larger one is refused with 413. Source: kube-apiserver.
    package static let bodyBytesMax = 3 * 1024 * 1024
    /// Deepest nesting of a JSON or YAML document; a deeper one is refused.
    package static let nestingMax = 200
    /// Members written twice that a reader of JSON names. Source: `maxStrictErrors` of sigs.k8s.io/json.
    package static let duplicatesNotedMax = 100
    /// Seconds that a stopping program may take before it gives up on its services.
    package static let stopSeconds = 5
}
