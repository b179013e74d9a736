import Shared

extension Filter {
    static let volumeRestrictions = Filter(
        name: "VolumeRestrictions", wakes: [.podLeft, .volume], matters: { _, cycle in cycle.claims.isTaken },
        refusal: { _, _, _ in
            Refusal(
                "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod"
            )
        },
        helps: { pod, event in
            guard case .podLeft(let other) = event else { return true }
            return other.namespace == pod.namespace
                && other.claims.contains { claim in pod.claims.contains { $0.name == claim.name } }
        })

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
            for zone in cycle.claims.zones where !(labels[zone.key].map(zone.values.contains) ?? false) {
                return Refusal("node(s) had no available volume zone", isFinal: true)
            }
            return nil
        },
        helps: { _, event in
            if case .node(_, let isMoved) = event { return isMoved }
            return true
        })
}
