import Shared
import Synchronization

/// Brings claims and volumes together, and lets volumes go whose claim is gone. Its keys are claims and volumes.
struct VolumeBinder: Reconciler {
    let client: Client
    let caches: Caches
    let recorder: Recorder
    let queue: WorkQueue
    let claimFence = Fence()
    let volumeFence = Fence()
    private let said = SaidNotes()

    init(client: Client, caches: Caches, recorder: Recorder, queue: WorkQueue) {
        self.client = client
        self.caches = caches
        self.recorder = recorder
        self.queue = queue
    }

    func reconcile(_ key: ObjectKey) async throws -> Outcome {
        if key.resource == PersistentVolume.type.resource {
            try await reconcile(volume: key)
        } else {
            try await reconcile(claim: key)
        }
        return .settled
    }

    /// Whether the caches show what was written for `key`.
    private func isCurrent(_ key: ObjectKey) -> Bool {
        claimFence.isPassed(key, at: caches.claims.revision, present: [PersistentVolumeClaim]())
            && volumeFence.isPassed(key, at: caches.volumes.revision, present: [PersistentVolume]())
    }

    // MARK: Claims

    private func reconcile(claim key: ObjectKey) async throws {
        guard let claim = caches.claims.get(namespace: key.namespace, name: key.name) else {
            claimFence.forget(key)
            volumeFence.forget(key)
            said.forget(key)
            return
        }
        guard isCurrent(key) else { return }
        let storageClass = claim.storageClass.flatMap { $0.isEmpty ? nil : caches.storageClasses.get(name: $0) }
        let volume = claim.volumeName.isEmpty ? nil : caches.volumes.get(name: claim.volumeName)
        let verdict = ClaimVerdict(
            claim, storageClass: storageClass, consumers: consumers(of: claim), volume: volume,
            volumes: { caches.volumes.list() })
        switch verdict {
        case .bind(let volume): try await bind(claim, to: volume, key)
        case .wait(let note):
            tell(claim, note)
            try await set("Pending", of: claim, key)
        case .provision(let storageClass): try await provision(claim, storageClass, key)
        case .lose(let note):
            if claim.phase != "Lost" { tell(claim, note) }
            try await set("Lost", of: claim, key)
        }
    }

    private func consumers(of claim: PersistentVolumeClaim) -> [Pod] {
        caches.pods.list(index: PodIndex.namespace, claim.namespace)
            .filter { $0.spec.nodeName.isEmpty && !$0.isFinished && $0.claimNames.contains(claim.name) }
    }

    private func tell(_ claim: PersistentVolumeClaim, _ note: VolumeNote) {
        guard note != .silent, said.isNews(note, about: claim) else { return }
        recorder.event(claim, note.isWarning ? .warning : .normal, note.reason, note.message)
    }

    private func bind(_ claim: PersistentVolumeClaim, to volume: PersistentVolume, _ key: ObjectKey) async throws {
        var volume = volume
        let owned = volume.bound(to: claim)
        if owned != volume {
            volume = try await client.update(owned)
            volumeFence.wrote(volume, for: key)
        }
        volume = try await set("Bound", of: volume, key)
        var claim = claim
        let bound = claim.bound(to: volume)
        if bound != claim {
            claim = try await client.update(bound)
            claimFence.wrote(claim, for: key)
        }
        let status = claim.boundStatus(volume)
        guard status != claim.json["status"] else { return }
        claim.json["status"] = status
        claimFence.wrote(try await client.updateStatus(claim), for: key)
    }

    private func set(_ phase: String, of claim: PersistentVolumeClaim, _ key: ObjectKey) async throws {
        guard claim.phase != phase else { return }
        var update = claim
        update.json["status"]["phase"] = .string(phase)
        if phase == "Lost" { for name in ["accessModes", "capacity"] { update.json["status"].remove(name) } }
        claimFence.wrote(try await client.updateStatus(update), for: key)
    }

    /// Leaves the claim to the one who makes volumes of its class.
    private func provision(
        _ claim: PersistentVolumeClaim, _ storageClass: StorageClass, _ key: ObjectKey
    ) async throws {
        let provisioner = storageClass.provisioner
        if provisioner.hasPrefix("kubernetes.io/") {
            tell(
                claim,
                VolumeNote(
                    isWarning: true, "ProvisioningFailed", "no volume plugin matched name: \(provisioner)"))
            return try await set("Pending", of: claim, key)
        }
        let annotation = "volume.beta.kubernetes.io/storage-provisioner"
        if claim.metadata.annotations[annotation] != provisioner {
            var update = claim
            update.metadata.annotations[annotation] = provisioner
            claimFence.wrote(try await client.update(update), for: key)
        }
        if provisioner == StorageClass.directories { return }
        tell(
            claim,
            VolumeNote(
                "ExternalProvisioning",
                "waiting for a volume to be created, either by external provisioner \"\(provisioner)\" or manually created by system administrator"
            ))
    }

    // MARK: Volumes

    private func reconcile(volume key: ObjectKey) async throws {
        guard let volume = caches.volumes.get(name: key.name) else {
            claimFence.forget(key)
            volumeFence.forget(key)
            return
        }
        guard isCurrent(key) else { return }
        let claim = volume.claim.flatMap { caches.claims.get(namespace: $0.namespace, name: $0.name) }
        switch VolumeVerdict(volume, claim: claim) {
        case .phase(let phase): try await set(phase, of: volume, key)
        case .leave: if let claim { queue.add(claim.key) }
        case .unbind:
            let freed = try await client.update(volume.unbound)
            volumeFence.wrote(freed, for: key)
            try await set("Available", of: freed, key)
        case .release: try await release(volume, key)
        }
    }

    private func release(_ volume: PersistentVolume, _ key: ObjectKey) async throws {
        guard let reference = volume.claim else { return }
        // The cache may lag: the word of the server counts.
        do {
            let live = try await client.get(
                PersistentVolumeClaim.self, namespace: reference.namespace, name: reference.name)
            if live.metadata.uid == reference.uid, live.volumeName.isEmpty || live.volumeName == volume.name { return }
        } catch let status as Status where status.reason == .notFound {}
        var volume = volume
        if volume.phase != "Released", volume.phase != "Failed" {
            volume = try await set("Released", of: volume, key)
        }
        switch Reclaim(volume) {
        case .keep: break
        case .remove:
            do {
                try await client.delete(PersistentVolume.self, name: volume.name, uid: volume.metadata.uid)
            } catch let status as Status where status.reason == .notFound {}
        case .fail(let note):
            guard volume.phase != "Failed" || volume.message != note.message else { return }
            recorder.event(volume, .warning, note.reason, note.message)
            try await set("Failed", note.message, of: volume, key)
        }
    }

    @discardableResult
    private func set(
        _ phase: String, _ message: String = "", of volume: PersistentVolume, _ key: ObjectKey
    ) async throws -> PersistentVolume {
        guard volume.phase != phase || volume.message != message else { return volume }
        var update = volume
        update.json["status"]["phase"] = .string(phase)
        update.json["status"].set("message", message.isEmpty ? nil : .string(message))
        let written = try await client.updateStatus(update)
        volumeFence.wrote(written, for: key)
        return written
    }
}

/// What was said about each claim last, so that another look at it does not say the same again.
/// A class: all workers share it.
private final class SaidNotes: Sendable {
    private struct Said: Equatable {
        let uid: String
        let note: VolumeNote
    }
    private let last = Mutex<[ObjectKey: Said]>([:])

    func isNews(_ note: VolumeNote, about claim: PersistentVolumeClaim) -> Bool {
        let said = Said(uid: claim.metadata.uid, note: note)
        return last.withLock { $0.updateValue(said, forKey: claim.key) != said }
    }
    func forget(_ key: ObjectKey) { last.withLock { _ = $0.removeValue(forKey: key) } }
}
