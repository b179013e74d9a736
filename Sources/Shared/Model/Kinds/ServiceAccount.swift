/// `core/v1 ServiceAccount`.
package struct ServiceAccount: Kind {
    package static let type = KindType(group: "", version: "v1", kind: "ServiceAccount", plural: "serviceaccounts")
    package var json: JSON
    package init(_ json: JSON) { self.json = json }
}
