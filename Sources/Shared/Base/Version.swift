/// What this build calls itself.
package enum Version {
    /// Version of Kotohajime, semantic versioning.
    package static let current = "0.1.0"
    /// The Kubernetes minor version whose API this build serves and whose behaviour it follows.
    package static let kubernetes = "v1.33.0+kotohajime-0.1.0"
}
