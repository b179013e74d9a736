import Shared

extension StatefulSet {
    static let podNameLabel = "statefulset.kubernetes.io/pod-name"
    static let podIndexLabel = "apps.kubernetes.io/pod-index"

    func podName(_ ordinal: Int) -> String { "\(name)-\(ordinal)" }

    /// The number of a pod in the order; nil when its name is not one of this set's.
    func ordinal(ofPodNamed pod: String) -> Int? {
        guard pod.hasPrefix(name + "-") else { return nil }
        let digits = pod.dropFirst(name.count + 1)
        guard let number = Int(digits), number >= 0, String(number) == digits else { return nil }
        return number
    }

    /// The name of the claim that a template becomes for a pod.
    func claimName(_ template: PersistentVolumeClaim, _ ordinal: Int) -> String {
        "\(template.name)-\(podName(ordinal))"
    }

    /// Whether a claim of that name belongs to one of the set's pods.
    func concernsClaim(named claim: String) -> Bool {
        claimTemplates.contains { template in
            claim.hasPrefix("\(template.name)-")
                && ordinal(ofPodNamed: String(claim.dropFirst(template.name.count + 1))) != nil
        }
    }

    /// A new pod of the set: its name, its place under the service's name, and its claims.
    /// - Parameters:
    ///   - template: of the revision that the pod is to have.
    ///   - revision: the name of that revision.
    func pod(_ ordinal: Int, template: PodTemplate, revision: String) -> Pod {
        var pod = Pod(from: template, for: self)
        let name = podName(ordinal)
        pod.metadata.name = name
        var labels = pod.metadata.labels
        labels[StatefulSet.podNameLabel] = name
        labels[StatefulSet.podIndexLabel] = String(ordinal)
        labels[Revisions.podLabel] = revision
        pod.metadata.labels = labels
        pod.json["spec"]["hostname"] = .string(name)
        pod.json["spec"].set("subdomain", serviceName.isEmpty ? nil : .string(serviceName))
        var volumes = claimTemplates.map { template -> JSON in
            [
                "name": .string(template.name),
                "persistentVolumeClaim": ["claimName": .string(claimName(template, ordinal))],
            ]
        }
        let own = Set(claimTemplates.map(\.name))
        volumes += pod.spec.volumes.filter { !own.contains($0["name"].string ?? "") }
        if !volumes.isEmpty { pod.json["spec"]["volumes"] = .array(volumes) }
        return pod
    }

    /// The claims of a pod, as they are to be created.
    func claims(_ ordinal: Int) -> [PersistentVolumeClaim] {
        let labels = json.at("spec", "selector", "matchLabels").strings
        return claimTemplates.map { template in
            var claim = template
            claim.json["apiVersion"] = .string(PersistentVolumeClaim.type.apiVersion)
            claim.json["kind"] = .string(PersistentVolumeClaim.type.kind)
            claim.json.remove("status")
            claim.metadata.name = claimName(template, ordinal)
            claim.metadata.namespace = namespace
            claim.metadata.labels = template.metadata.labels.merging(labels) { _, own in own }
            return claim
        }
    }
}

extension Pod {
    /// The name of the revision that it was made from; empty when it does not say.
    var revisionName: String { metadata.labels[Revisions.podLabel] ?? "" }
    var isRunningAndReady: Bool { status.phase == .running && isReady }
}
