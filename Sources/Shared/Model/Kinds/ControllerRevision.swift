/// `apps/v1 ControllerRevision`: a template that a StatefulSet or DaemonSet has had. Writer: their controllers.
package struct ControllerRevision: Kind {
    package static let type = KindType(
        group: "apps", version: "v1", kind: "ControllerRevision", plural: "controllerrevisions")
    package var json: JSON
    package init(_ json: JSON) { self.json = json }

    /// Higher is newer.
    package var number: Int {
        get { json["revision"].int ?? 0 }
        set { json["revision"] = JSON(newValue) }
    }
    /// A strategic merge patch that brings the template back.
    package var data: JSON {
        get { json["data"] }
        set { json["data"] = newValue }
    }
    package var template: PodTemplate {
        var template = data.at("spec", "template")
        template.remove("$patch")
        return PodTemplate(template)
    }
}
