import Shared

/// Volumes of the cluster, claims on them, and their classes.
extension DescribeText {
    /// `RWO,ROX`: how volumes may be mounted, in short. Source: component-helpers `storage/volume`.
    static func accessModes(_ modes: [JSON]) -> String {
        let given = Set(modes.compactMap(\.string))
        let short = [
            ("ReadWriteOnce", "RWO"), ("ReadOnlyMany", "ROX"), ("ReadWriteMany", "RWX"), ("ReadWriteOncePod", "RWOP"),
        ]
        return short.filter { given.contains($0.0) }.map(\.1).joined(separator: ",")
    }

    /// The class of a volume or claim: the annotation of old, else the field.
    private static func storageClass(_ object: JSON) -> String {
        Object(object).metadata.annotations["volume.beta.kubernetes.io/storage-class"]
            ?? object.at("spec", "storageClassName").string ?? ""
    }

    private mutating func finalizers(_ metadata: ObjectMeta) {
        line(0, "Finalizers:\t[\(metadata.finalizers.joined(separator: " "))]")
    }

    private func phase(_ object: JSON) -> String {
        let metadata = Object(object).metadata
        guard metadata.isDeleting else { return object.at("status", "phase").string ?? "" }
        return "Terminating (lasts \(age(metadata.json["deletionTimestamp"])))"
    }

    mutating func volume(_ object: JSON) {
        let spec = object["spec"]
        let metadata = Object(object).metadata
        line(0, "Name:\t\(metadata.name)")
        labels("Labels", metadata.labels)
        annotations(metadata.annotations)
        finalizers(metadata)
        line(0, "StorageClass:\t\(DescribeText.storageClass(object))")
        line(0, "Status:\t\(phase(object))")
        let claim = spec["claimRef"]
        line(0, "Claim:\t" + (claim.isNull ? "" : "\(claim["namespace"].string ?? "")/\(claim["name"].string ?? "")"))
        line(0, "Reclaim Policy:\t\(spec["persistentVolumeReclaimPolicy"].string ?? "")")
        line(0, "Access Modes:\t\(DescribeText.accessModes(spec["accessModes"].items))")
        if let mode = spec["volumeMode"].string { line(0, "VolumeMode:\t\(mode)") }
        let capacity = spec.at("capacity", "storage")
        line(0, "Capacity:\t\(capacity.isNull ? "0" : ServerTable.text(capacity))")
        nodeAffinity(spec["nodeAffinity"])
        line(0, "Message:\t\(object.at("status", "message").string ?? "")")
        line(0, "Source:")
        let own: Set = [
            "capacity", "accessModes", "claimRef", "persistentVolumeReclaimPolicy", "storageClassName", "volumeMode",
            "nodeAffinity", "mountOptions", "volumeAttributesClassName",
        ]
        for (kind, value) in spec.members where !own.contains(kind) { source(kind, value, isCluster: true) }
    }

    private mutating func nodeAffinity(_ affinity: JSON) {
        let required = affinity["required"]
        guard !required.isNull else { return line(0, "Node Affinity:\t<none>") }
        line(0, "Node Affinity:\t")
        let terms = required["nodeSelectorTerms"].items
        line(1, "Required Terms:\t" + (terms.isEmpty ? "<none>" : ""))
        for (index, term) in terms.enumerated() {
            let requirements = term["matchExpressions"].items.map { requirement in
                let values = requirement["values"].items.compactMap(\.string)
                return "\(requirement["key"].string ?? "") \((requirement["operator"].string ?? "").lowercased())"
                    + (values.isEmpty ? "" : " [\(values.joined(separator: ", "))]")
            }
            line(2, "Term \(index):\t\(requirements.first ?? "<none>")")
            for requirement in requirements.dropFirst() { line(2, "\t\(requirement)") }
        }
    }

    mutating func claim(_ object: JSON, _ context: DescribeContext) {
        let spec = object["spec"]
        let metadata = Object(object).metadata
        line(0, "Name:\t\(metadata.name)")
        line(0, "Namespace:\t\(metadata.namespace)")
        line(0, "StorageClass:\t\(DescribeText.storageClass(object))")
        line(0, "Status:\t\(phase(object))")
        line(0, "Volume:\t\(spec["volumeName"].string ?? "")")
        labels("Labels", metadata.labels)
        annotations(metadata.annotations)
        finalizers(metadata)
        let isBound = !(spec["volumeName"].string ?? "").isEmpty
        let capacity = object.at("status", "capacity", "storage")
        line(0, "Capacity:\t" + (!isBound ? "" : capacity.isNull ? "0" : ServerTable.text(capacity)))
        line(0, "Access Modes:\t" + (isBound ? DescribeText.accessModes(object.at("status", "accessModes").items) : ""))
        if let mode = spec["volumeMode"].string { line(0, "VolumeMode:\t\(mode)") }
        let origin = spec["dataSource"]
        if !origin.isNull {
            line(0, "DataSource:")
            if let group = origin["apiGroup"].string { line(1, "APIGroup:\t\(group)") }
            line(1, "Kind:\t\(origin["kind"].string ?? "")")
            line(1, "Name:\t\(origin["name"].string ?? "")")
        }
        let users = context.pods.map { Object($0).name }
        line(0, "Used By:\t\(users.first ?? "<none>")")
        for user in users.dropFirst() { line(0, "\t\(user)") }
        let conditions = object.at("status", "conditions").items
        if !conditions.isEmpty {
            line(0, "Conditions:\n  Type\tStatus\tLastProbeTime\tLastTransitionTime\tReason\tMessage")
            line(1, "----\t------\t-----------------\t------------------\t------\t-------")
        }
        for condition in conditions {
            line(
                1,
                "\(condition["type"].string ?? "") \t\(condition["status"].string ?? "") \t\(time(condition["lastProbeTime"])) \t"
                    + "\(time(condition["lastTransitionTime"])) \t\(condition["reason"].string ?? "") \t\(condition["message"].string ?? "")"
            )
        }
    }

    mutating func storageClass(_ object: JSON) {
        let metadata = Object(object).metadata
        line(0, "Name:\t\(metadata.name)")
        let marks = ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"]
        line(0, "IsDefaultClass:\t\(marks.contains { metadata.annotations[$0] == "true" } ? "Yes" : "No")")
        line(0, "Annotations:\t\(Labels.line(metadata.annotations))")
        line(0, "Provisioner:\t\(object["provisioner"].string ?? "")")
        line(0, "Parameters:\t\(Labels.line(object["parameters"].strings))")
        line(0, "AllowVolumeExpansion:\t\(DescribeText.truth(object["allowVolumeExpansion"]))")
        let options = object["mountOptions"].items.compactMap(\.string)
        line(0, "MountOptions:" + (options.isEmpty ? "\t<none>" : ""))
        for option in options { line(1, option) }
        if let policy = object["reclaimPolicy"].string { line(0, "ReclaimPolicy:\t\(policy)") }
        if let mode = object["volumeBindingMode"].string { line(0, "VolumeBindingMode:\t\(mode)") }
        let topologies = object["allowedTopologies"].items
        guard !topologies.isEmpty else { return }
        line(0, "AllowedTopologies:\t")
        for (index, topology) in topologies.enumerated() {
            let terms = topology["matchLabelExpressions"].items.map { term in
                "\(term["key"].string ?? "") in [\(term["values"].items.compactMap(\.string).joined(separator: ", "))]"
            }
            line(1, "Term \(index):\t\(terms.first ?? "<none>")")
            for term in terms.dropFirst() { line(1, "\t\(term)") }
        }
    }

    /// `True`, `False` or `<unset>`.
    static func truth(_ json: JSON) -> String { json.bool.map { $0 ? "True" : "False" } ?? "<unset>" }

    mutating func csiNode(_ object: JSON) {
        heading(object, isNamespaced: false)
        line(0, "CreationTimestamp:\t\(time(Object(object).metadata.json["creationTimestamp"]))")
        line(0, "Spec:")
        let drivers = object.at("spec", "drivers").items
        if !drivers.isEmpty { line(1, "Drivers:") }
        for driver in drivers {
            line(2, "\(driver["name"].string ?? ""):")
            line(3, "Node ID:\t\(driver["nodeID"].string ?? "")")
            if let count = driver.at("allocatable", "count").int {
                line(3, "Allocatables:")
                line(4, "Count:\t\(count)")
            }
            let keys = driver["topologyKeys"].items.compactMap(\.string)
            if !keys.isEmpty { line(3, "Topology Keys:\t[\(keys.joined(separator: " "))]") }
        }
    }
}
