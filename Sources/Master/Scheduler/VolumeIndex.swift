import Shared

/// The claims, volumes and storage classes that pods depend on, and who uses which claim.
struct VolumeIndex: Sendable {
    /// By `namespace/name`.
    private(set) var claims: [String: PersistentVolumeClaim] = [:]
    private(set) var volumes: [String: PersistentVolume] = [:]
    private(set) var classes: [String: StorageClass] = [:]
    /// Volumes that were chosen for a claim and do not show it yet: volume → claim.
    private var assumed: [String: String] = [:]
    /// Nodes that were chosen for claims which do not show it yet: claim → node.
    private var chosen: [String: String] = [:]
    /// Uids of the pods on nodes that use a claim.
    private var users: [String: Set<String>] = [:]

    /// Labels of a volume that name where it is. Source: plugin `VolumeZone`.
    static let zoneKeys = [
        "topology.kubernetes.io/zone", "topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/zone",
        "failure-domain.beta.kubernetes.io/region",
    ]

    mutating func put(_ claim: PersistentVolumeClaim) {
        claims[claim.key.path] = claim
        chosen[claim.key.path] = nil
    }
    mutating func put(_ volume: PersistentVolume) {
        volumes[volume.name] = volume
        if volume.claim != nil { assumed[volume.name] = nil }
    }
    mutating func put(_ storage: StorageClass) { classes[storage.name] = storage }
    mutating func remove(_ claim: PersistentVolumeClaim) {
        claims[claim.key.path] = nil
        chosen[claim.key.path] = nil
    }
    mutating func remove(_ volume: PersistentVolume) {
        volumes[volume.name] = nil
        assumed[volume.name] = nil
    }
    mutating func remove(_ storage: StorageClass) { classes[storage.name] = nil }

    mutating func use(_ claim: PodDemand.ClaimUse, by pod: PodDemand) {
        users["\(pod.namespace)/\(claim.name)", default: []].insert(pod.uid)
    }
    mutating func unuse(_ claim: PodDemand.ClaimUse, by pod: PodDemand) {
        let path = "\(pod.namespace)/\(claim.name)"
        users[path]?.remove(pod.uid)
        if users[path]?.isEmpty == true { users[path] = nil }
    }

    mutating func assume(_ bindings: Bindings, on node: String) {
        for (claim, volume) in bindings.volumes { assumed[volume.name] = claim.key.path }
        for claim in bindings.provisions { chosen[claim.key.path] = node }
    }
    mutating func release(_ bindings: Bindings) {
        for (_, volume) in bindings.volumes { assumed[volume.name] = nil }
        for claim in bindings.provisions { chosen[claim.key.path] = nil }
    }
    /// The node for which the claim's volume is to be made.
    func node(for claim: PersistentVolumeClaim) -> String? { claim.selectedNode ?? chosen[claim.key.path] }

    // MARK: What a pod asks for

    /// Sets of labels, one value of which a node must have.
    struct Zone: Sendable {
        let key: String
        let values: Set<String>
    }
    struct Refused: Error, Equatable { let reasons: [String] }
    /// What the pod's claims need on the chosen node.
    struct Bindings: Sendable {
        var volumes: [(claim: PersistentVolumeClaim, volume: PersistentVolume)] = []
        /// Claims whose volume is to be made for the node.
        var provisions: [PersistentVolumeClaim] = []
        var isEmpty: Bool { volumes.isEmpty && provisions.isEmpty }
    }

    /// The claims of one pod, sorted by what is left to do.
    struct Demand: Sendable {
        /// Why the pod fits no node at all.
        fileprivate(set) var refusal: String?
        fileprivate(set) var bound: [(claim: PersistentVolumeClaim, terms: [NodeAffinity.Term]?)] = []
        fileprivate(set) var misses = false
        /// With the node that was chosen for a claim before.
        fileprivate(set) var delayed: [(claim: PersistentVolumeClaim, storage: StorageClass, node: String?)] = []
        /// Volumes that may serve the delayed claims.
        fileprivate var candidates: [(volume: PersistentVolume, terms: [NodeAffinity.Term]?, claim: String?)] = []
        fileprivate(set) var zones: [Zone] = []
        /// A claim for one pod only is in use by another.
        fileprivate(set) var isTaken = false
        var isEmpty: Bool { bound.isEmpty && delayed.isEmpty && !misses }
    }

    func demand(of pod: PodDemand) -> Demand {
        var demand = Demand()
        var hasImmediate = false
        for use in pod.claims {
            guard let claim = claims["\(pod.namespace)/\(use.name)"] else {
                demand.refusal =
                    use.isEphemeral
                    ? "waiting for ephemeral volume controller to create the persistentvolumeclaim \"\(use.name)\""
                    : "persistentvolumeclaim \"\(use.name)\" not found"
                return demand
            }
            if claim.phase == "Lost" {
                demand.refusal =
                    "persistentvolumeclaim \"\(use.name)\" bound to non-existent persistentvolume \"\(claim.volumeName)\""
                return demand
            }
            if claim.metadata.isDeleting {
                demand.refusal = "persistentvolumeclaim \"\(use.name)\" is being deleted"
                return demand
            }
            if use.isEphemeral, claim.metadata.controller?.uid != pod.uid {
                demand.refusal =
                    "PVC \"\(pod.namespace)/\(use.name)\" was not created for pod \"\(pod.key.path)\" (pod is not owner)"
                return demand
            }
            if claim.accessModes.contains("ReadWriteOncePod"),
                users[claim.key.path]?.contains(where: { $0 != pod.uid }) ?? false
            {
                demand.isTaken = true
            }
            if claim.isBound {
                addBound(claim, to: &demand)
            } else if claim.volumeName.isEmpty, let storage = claim.storageClass.flatMap({ classes[$0] }),
                storage.waitsForConsumer
            {
                demand.delayed.append((claim, storage, node(for: claim)))
            } else {
                hasImmediate = true
            }
        }
        if hasImmediate { demand.refusal = "pod has unbound immediate PersistentVolumeClaims" }
        if !demand.delayed.isEmpty { addCandidates(to: &demand) }
        return demand
    }

    private func addBound(_ claim: PersistentVolumeClaim, to demand: inout Demand) {
        guard let volume = volumes[claim.volumeName] else {
            demand.misses = true
            return
        }
        demand.bound.append((claim, volume.nodeTerms?.map { NodeAffinity.Term($0) }))
        for (key, text) in volume.metadata.labels where VolumeIndex.zoneKeys.contains(key) {
            // Several zones stand in one label. Source: `LabelZonesToSet`.
            let values = text.components(separatedBy: "__")
            demand.zones.append(Zone(key: key, values: Set(values)))
        }
    }

    private func addCandidates(to demand: inout Demand) {
        let names = Set(demand.delayed.map(\.storage.name))
        for volume in volumes.values where names.contains(volume.storageClass) && !volume.metadata.isDeleting {
            let owner = volume.claim?.key.path ?? assumed[volume.name]
            if owner == nil, volume.phase != "Available" { continue }
            demand.candidates.append((volume, volume.nodeTerms?.map { NodeAffinity.Term($0) }, owner))
        }
        demand.candidates.sort { ($0.volume.bytes, $0.volume.name) < ($1.volume.bytes, $1.volume.name) }
        // Small claims first, so that they leave the large volumes to large claims.
        demand.delayed.sort { $0.claim.bytes < $1.claim.bytes }
    }
}

extension VolumeIndex.Demand {
    /// Which volumes serve the claims on a node, or why that does not work.
    /// Source: `volumebinding.FindPodVolumes`.
    func bindings(on node: NodeShape) -> Result<VolumeIndex.Bindings, VolumeIndex.Refused> {
        var reasons: [String] = []
        if misses { reasons.append("node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)") }
        if bound.contains(where: { $0.terms.map { terms in !terms.contains { $0.matches(node) } } ?? false }) {
            reasons.append("node(s) had volume node affinity conflict")
        }
        var bindings = VolumeIndex.Bindings()
        var chosen: Set<String> = []
        for (claim, storage, selected) in delayed {
            if let selected, selected != node.name {
                reasons.append("node(s) didn't find available persistent volumes to bind")
                break
            }
            let fitting = candidates.first {
                !chosen.contains($0.volume.name) && VolumeIndex.fits($0.volume, owner: $0.claim, claim)
                    && ($0.terms.map { terms in terms.contains { $0.matches(node) } } ?? true)
            }
            if let fitting {
                chosen.insert(fitting.volume.name)
                bindings.volumes.append((claim, fitting.volume))
            } else if storage.provisioner != "kubernetes.io/no-provisioner", storage.allows(node) {
                bindings.provisions.append(claim)
            } else {
                reasons.append("node(s) didn't find available persistent volumes to bind")
                break
            }
        }
        return reasons.isEmpty ? .success(bindings) : .failure(VolumeIndex.Refused(reasons: reasons))
    }
}

extension VolumeIndex {
    fileprivate static func fits(
        _ volume: PersistentVolume, owner: String?, _ claim: PersistentVolumeClaim
    ) -> Bool {
        if let owner, owner != claim.key.path { return false }
        guard volume.storageClass == (claim.storageClass ?? ""), volume.volumeMode == claim.volumeMode,
            volume.bytes >= claim.bytes
        else { return false }
        let modes = Set(volume.accessModes)
        guard claim.accessModes.allSatisfy(modes.contains) else { return false }
        return claim.selector?.matches(volume.metadata.labels) ?? true
    }
}

extension PersistentVolume {
    fileprivate var bytes: Int { capacity?.value ?? 0 }
    /// The terms of which one must match a node; nil when the volume can be reached from all.
    fileprivate var nodeTerms: [JSON]? { json.at("spec", "nodeAffinity", "required", "nodeSelectorTerms").array }
}

extension PersistentVolumeClaim {
    fileprivate var bytes: Int { request?.value ?? 0 }
    /// Whether claim and volume belong together for good.
    var isBound: Bool { !volumeName.isEmpty && (phase == "Bound" || isBindCompleted) }
}

extension StorageClass {
    /// Whether volumes can be made for the node.
    fileprivate func allows(_ node: NodeShape) -> Bool {
        let terms = json["allowedTopologies"].items
        return terms.isEmpty
            || terms.contains { term in
                term["matchLabelExpressions"].items.allSatisfy { expression in
                    guard let value = node.labels[expression["key"].string ?? ""] else { return false }
                    return expression["values"].items.contains { $0.string == value }
                }
            }
    }
}

extension String {
    fileprivate func components(separatedBy mark: String) -> [String] {
        var parts: [String] = []
        var rest = self[...]
        while let range = rest.firstRange(of: mark) {
            parts.append(String(rest[..<range.lowerBound]))
            rest = rest[range.upperBound...]
        }
        parts.append(String(rest))
        return parts
    }
}
