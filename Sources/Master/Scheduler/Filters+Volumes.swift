import Shared

extension Filter {
    static let volumeRestrictions = Filter(
        name: "VolumeRestrictions", wakes: [.node, .podLeft, .volume],
        matters: { pod, cycle in cycle.claims.isTaken || !pod.disks.isEmpty },
        refusal: { pod, node, cycle in
            if !pod.disks.isEmpty, isDiskTaken(pod, node) { return Refusal("node(s) had no available disk") }
            return cycle.claims.isTaken
                ? Refusal(
                    "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod"
                ) : nil
        },
        helps: { pod, event in
            switch event {
            case .podLeft(let other):
                other.namespace == pod.namespace
                    && other.claims.contains { claim in pod.claims.contains { $0.name == claim.name } }
                    || pod.sharesDisk(with: other)
            case .node(let node, _): !pod.disks.isEmpty && !isDiskTaken(pod, node)
            default: true
            }
        })

    private static func isDiskTaken(_ pod: PodDemand, _ node: NodeSummary) -> Bool {
        node.pods.values.contains { $0.uid != pod.uid && pod.sharesDisk(with: $0) }
    }

    static let volumeBinding = Filter(
        name: "VolumeBinding", wakes: [.node, .volume], matters: { _, cycle in !cycle.claims.isEmpty },
        refusal: { _, node, cycle in
            switch cycle.claims.bindings(on: node.shape) {
            case .success: nil
            case .failure(let refusal): Refusal(refusal.reasons, isFinal: true)
            }
        },
        helps: { _, event in
            if case .node(_, let isMoved) = event { return isMoved }
            return true
        })

    static let volumeZone = Filter(
        name: "VolumeZone", wakes: [.node, .volume], matters: { _, cycle in !cycle.claims.zones.isEmpty },
        refusal: { _, node, cycle in
            let labels = node.labels
            guard VolumeIndex.zoneKeys.contains(where: { labels[$0] != nil }) else { return nil }
            let fits = cycle.claims.zones.allSatisfy { zone in
                // A volume may have been labelled before the names of its labels were settled.
                let settled = zone.key.replacing("failure-domain.beta.", with: "topology.")
                return (labels[zone.key] ?? labels[settled]).map(zone.values.contains) ?? false
            }
            return fits ? nil : Refusal("node(s) had no available volume zone", isFinal: true)
        },
        helps: { _, event in
            if case .node(_, let isMoved) = event { return isMoved }
            return true
        })
}
