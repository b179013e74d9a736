import Shared

/// What is to be done about a claim. Pure. Source: `pv_controller.go` of kube-controller-manager (`syncClaim`),
/// `FindMatchingVolume`.
enum ClaimVerdict: Equatable {
    /// Claim and volume belong together; what is missing of the binding is written.
    case bind(PersistentVolume)
    /// The claim waits, and an event says for what.
    case wait(VolumeNote)
    /// No volume fits; its class is to make one.
    case provision(StorageClass)
    /// The claim had a volume that is gone or another's.
    case lose(VolumeNote)

    /// - Parameters:
    ///   - storageClass: the class of the claim; nil when it has none or none of that name exists.
    ///   - consumers: the pods that wait for the claim.
    ///   - volumes: all volumes.
    init(
        _ claim: PersistentVolumeClaim, storageClass: StorageClass?, consumers: [Pod], volume: PersistentVolume?,
        volumes: () -> [PersistentVolume]
    ) {
        if claim.isBindCompleted {
            self = ClaimVerdict.bound(claim, volume)
        } else if !claim.volumeName.isEmpty {
            self = ClaimVerdict.wished(claim, volume)
        } else {
            let isDelayed = storageClass?.waitsForConsumer ?? false
            if let match = VolumeMatch.best(for: claim, among: volumes(), isDelayed: isDelayed) {
                self = .bind(match)
            } else if isDelayed, claim.selectedNode == nil {
                self = .wait(ClaimVerdict.waiting(consumers))
            } else if let name = claim.storageClass, !name.isEmpty {
                if let storageClass {
                    self = .provision(storageClass)
                } else {
                    let text = "storageclass.storage.k8s.io \"\(name)\" not found"
                    self = .wait(VolumeNote(isWarning: true, "ProvisioningFailed", text))
                }
            } else {
                self = .wait(
                    VolumeNote(
                        "FailedBinding",
                        "no persistent volumes available for this claim and no storage class is set"))
            }
        }
    }

    private static func waiting(_ consumers: [Pod]) -> VolumeNote {
        let names = consumers.map(\.name).sorted()
        guard let first = names.first else {
            return VolumeNote(
                "WaitForFirstConsumer", "waiting for first consumer to be created before binding")
        }
        let pods = names.count == 1 ? "pod \(first)" : "pods \(names.joined(separator: ","))"
        return VolumeNote("WaitForPodScheduled", "waiting for \(pods) to be scheduled")
    }

    private static func bound(_ claim: PersistentVolumeClaim, _ volume: PersistentVolume?) -> ClaimVerdict {
        if claim.volumeName.isEmpty {
            return .lose(
                VolumeNote(
                    isWarning: true, "ClaimLost",
                    "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!"))
        }
        guard let volume else {
            return .lose(
                VolumeNote(
                    isWarning: true, "ClaimLost",
                    "Bound claim has lost its PersistentVolume. Data on the volume is lost!"))
        }
        if let reference = volume.claim, reference.uid != claim.metadata.uid {
            return .lose(
                VolumeNote(
                    isWarning: true, "ClaimMisbound",
                    "Two claims are bound to the same volume, this one is bound incorrectly"))
        }
        return .bind(volume)
    }

    private static func wished(_ claim: PersistentVolumeClaim, _ volume: PersistentVolume?) -> ClaimVerdict {
        guard let volume else { return .wait(.silent) }
        if let reference = volume.claim {
            if reference.names(claim) { return .bind(volume) }
            return .wait(
                VolumeNote(
                    isWarning: true, "FailedBinding", "volume \"\(volume.name)\" already bound to a different claim."))
        }
        guard let misfit = VolumeMatch.misfit(volume, claim) else { return .bind(volume) }
        return .wait(
            VolumeNote(
                isWarning: true, "VolumeMismatch", "Cannot bind to requested volume \"\(volume.name)\": \(misfit)"))
    }
}

/// An event about a claim or volume.
struct VolumeNote: Equatable, Sendable {
    var isWarning = false
    var reason: String
    var message: String

    init(isWarning: Bool = false, _ reason: String, _ message: String) {
        self.isWarning = isWarning
        self.reason = reason
        self.message = message
    }
    /// Nothing is said.
    static let silent = VolumeNote("", "")
}

/// Which volume fits a claim. Pure.
enum VolumeMatch {
    /// Of the volumes with the fewest access modes that fit, the smallest; among these one that was set aside for the
    /// claim before all others. A claim that waits for its consumer takes only what was set aside.
    static func best(
        for claim: PersistentVolumeClaim, among volumes: [PersistentVolume], isDelayed: Bool
    ) -> PersistentVolume? {
        let usable = volumes.filter { volume in
            !volume.metadata.isDeleting && volume.volumeMode == claim.volumeMode && isLargeEnough(volume, claim)
                && allowsModes(volume, claim)
        }
        let groups = Dictionary(grouping: usable, by: \.accessModes.count).sorted { $0.key < $1.key }.map(\.value)
        for group in groups {
            if let own = group.filter({ $0.claim?.names(claim) ?? false }).min(by: precedes) { return own }
            if !isDelayed, let free = group.filter({ isFree($0, claim) }).min(by: precedes) { return free }
        }
        return nil
    }

    private static func isFree(_ volume: PersistentVolume, _ claim: PersistentVolumeClaim) -> Bool {
        volume.claim == nil && volume.phase == "Available" && volume.storageClass == claim.storageClass ?? ""
            && volume.attributesClass == claim.attributesClass
            && claim.selector?.matches(volume.metadata.labels) ?? true
    }

    /// Why a volume that a claim asks for by name does not do; nil when it does.
    static func misfit(_ volume: PersistentVolume, _ claim: PersistentVolumeClaim) -> String? {
        if volume.metadata.isDeleting { return "the volume is marked for deletion \"\(volume.name)\"" }
        if !isLargeEnough(volume, claim) { return "requested PV is too small" }
        if volume.storageClass != claim.storageClass ?? "" { return "storageClassName does not match" }
        if volume.attributesClass != claim.attributesClass { return "volumeAttributesClassName does not match" }
        if volume.volumeMode != claim.volumeMode { return "incompatible volumeMode" }
        if !allowsModes(volume, claim) { return "incompatible accessMode" }
        return nil
    }

    private static func isLargeEnough(_ volume: PersistentVolume, _ claim: PersistentVolumeClaim) -> Bool {
        (volume.capacity ?? Quantity(0)) >= claim.request ?? Quantity(0)
    }
    private static func allowsModes(_ volume: PersistentVolume, _ claim: PersistentVolumeClaim) -> Bool {
        let allowed = volume.accessModes
        return claim.accessModes.allSatisfy(allowed.contains)
    }
    /// Small before large, then by name.
    private static func precedes(_ left: PersistentVolume, _ right: PersistentVolume) -> Bool {
        let (mine, other) = (left.capacity ?? Quantity(0), right.capacity ?? Quantity(0))
        return mine == other ? left.name < right.name : mine < other
    }
}

/// What is to be done about a volume. Pure. Source: `pv_controller.go` (`syncVolume`).
enum VolumeVerdict: Equatable {
    case phase(String)
    /// The claim has another volume: this one is free again.
    case unbind
    /// The claim is gone: the reclaim policy decides.
    case release
    /// The claim has to finish the binding.
    case leave

    /// - Parameter claim: the claim of the name that the volume refers to.
    init(_ volume: PersistentVolume, claim: PersistentVolumeClaim?) {
        guard let reference = volume.claim, !reference.uid.isEmpty else {
            self = .phase("Available")
            return
        }
        guard let claim, claim.metadata.uid == reference.uid else {
            self = .release
            return
        }
        if claim.volumeName.isEmpty {
            self = .leave
        } else if claim.volumeName == volume.name {
            self = .phase("Bound")
        } else if volume.metadata.annotations[PersistentVolume.provisioner] != nil, volume.reclaimPolicy == "Delete" {
            self = .release
        } else {
            self = .unbind
        }
    }
}

/// What becomes of a volume whose claim is gone. Pure.
enum Reclaim: Equatable {
    /// It is kept for somebody to look after, or whoever made it takes it away.
    case keep
    case remove
    /// It cannot be done; the volume says why.
    case fail(VolumeNote)

    init(_ volume: PersistentVolume) {
        switch volume.reclaimPolicy {
        case "Recycle":
            self = .fail(
                VolumeNote(
                    isWarning: true, "VolumeFailedRecycle", "No recycler plugin found for the volume!"))
        case "Delete":
            let provisioner = volume.metadata.annotations[PersistentVolume.provisioner] ?? ""
            if !provisioner.isEmpty, !provisioner.hasPrefix("kubernetes.io/") {
                self = .keep
            } else if let path = volume.json["spec"]["hostPath"]["path"].string {
                // Nobody knows on which node the folder is; only what is temporary anyway is given up.
                let isTemporary = path.firstRange(of: "/tmp/").map { $0.upperBound < path.endIndex } ?? false
                self =
                    isTemporary
                    ? .remove
                    : .fail(
                        VolumeNote(
                            isWarning: true, "VolumeFailedDelete",
                            "host_path deleter only supports /tmp/.+ but received provided \(path)"))
            } else {
                self = .fail(
                    VolumeNote(
                        isWarning: true, "VolumeFailedDelete",
                        "Error getting deleter volume plugin for volume \"\(volume.name)\": no deletable volume plugin matched"
                    ))
            }
        default: self = .keep
        }
    }
}

extension PersistentVolume {
    /// The annotation that names who made the volume.
    static let provisioner = "pv.kubernetes.io/provisioned-by"
    static let boundByController = "pv.kubernetes.io/bound-by-controller"

    /// The volume as it belongs to the claim. What a user set aside stays the user's doing.
    func bound(to claim: PersistentVolumeClaim) -> PersistentVolume {
        var volume = self
        if !(self.claim?.names(claim) ?? false) {
            volume.metadata.annotations[PersistentVolume.boundByController] = "yes"
        }
        if self.claim?.uid != claim.metadata.uid { volume.claim = ClaimReference(claim) }
        return volume
    }

    /// The volume as it belongs to nobody, or is set aside for a name again.
    var unbound: PersistentVolume {
        var volume = self
        if metadata.annotations[PersistentVolume.boundByController] != nil {
            volume.claim = nil
            volume.metadata.annotations[PersistentVolume.boundByController] = nil
        } else {
            volume.json["spec"]["claimRef"].remove("uid")
        }
        return volume
    }
}

extension PersistentVolumeClaim {
    /// The claim as it has the volume.
    func bound(to volume: PersistentVolume) -> PersistentVolumeClaim {
        var claim = self
        if volumeName != volume.name {
            claim.volumeName = volume.name
            claim.metadata.annotations[PersistentVolume.boundByController] = "yes"
        }
        claim.metadata.annotations["pv.kubernetes.io/bind-completed"] = "yes"
        return claim
    }

    /// The status that goes with a volume.
    func boundStatus(_ volume: PersistentVolume) -> JSON {
        var status = json["status"]
        status["phase"] = "Bound"
        status["accessModes"] = JSON(volume.accessModes)
        // Later the capacity is the business of whoever resizes it.
        if phase != "Bound" || capacity == nil { status["capacity"] = volume.json["spec"]["capacity"] }
        return status
    }
}
