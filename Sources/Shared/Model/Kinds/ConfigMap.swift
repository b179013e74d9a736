/// `core/v1 ConfigMap`.
package struct ConfigMap: Kind {
    package static let type = KindType(group: "", version: "v1", kind: "ConfigMap", plural: "configmaps")
    package var json: JSON
    package init(_ json: JSON) { self.json = json }

    /// Holds the cluster's CA in every namespace.
    package static let rootCertificates = "kube-root-ca.crt"
}
