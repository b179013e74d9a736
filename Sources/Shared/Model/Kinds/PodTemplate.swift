/// `core/v1 PodTemplateSpec`: what the pods of a workload are made of.
package struct PodTemplate: View {
    package var json: JSON
    package init(_ json: JSON) { self.json = json }

    package var metadata: ObjectMeta {
        get { view("metadata") }
        set { json["metadata"] = newValue.json }
    }
    package var spec: PodSpec {
        get { view("spec") }
        set { json["spec"] = newValue.json }
    }
}
