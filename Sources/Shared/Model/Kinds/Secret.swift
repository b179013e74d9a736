/// `core/v1 Secret`.
package struct Secret: Kind {
    package static let type = KindType(group: "", version: "v1", kind: "Secret", plural: "secrets")
    /// The type of Secrets that hold a service account's token.
    package static let accountTokenType = "kubernetes.io/service-account-token"
    package var json: JSON
    package init(_ json: JSON) { self.json = json }
}
