/// `networking.k8s.io/v1 Ingress`: which requests go to which service. Writers: spec = user, status = ingress controller.
package struct Ingress: Kind {
    package static let type = KindType(
        group: "networking.k8s.io", version: "v1", kind: "Ingress", plural: "ingresses")
    package var json: JSON
    package init(_ json: JSON) { self.json = json }

    /// Nil leaves it to the default class.
    package var className: String? {
        json.at("spec", "ingressClassName").string ?? metadata.annotations["kubernetes.io/ingress.class"]
    }
    package var rules: [JSON] { json.at("spec", "rules").items }
    package var defaultBackend: JSON { json.at("spec", "defaultBackend") }
    package var tls: [JSON] { json.at("spec", "tls").items }
}

/// `networking.k8s.io/v1 IngressClass`: who serves an ingress. Writer: user.
package struct IngressClass: Kind {
    package static let type = KindType(
        group: "networking.k8s.io", version: "v1", kind: "IngressClass", plural: "ingressclasses", isNamespaced: false)
    package var json: JSON
    package init(_ json: JSON) { self.json = json }

    /// `spec.controller` of the classes that the nodes serve.
    package static let controller = "kotohajime.dev/ingress"
    package var isOurs: Bool { json.at("spec", "controller").string == IngressClass.controller }
    package var isDefault: Bool {
        metadata.annotations["ingressclass.kubernetes.io/is-default-class"] == "true"
    }
}
