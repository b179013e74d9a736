import Shared

extension PodLoop {
    /// Carries one step out. Failures that Kubernetes shows in the pod are remembered, not thrown.
    func perform(_ step: PodStep, _ snapshot: PodState, now: Timestamp) async throws {
        switch step {
        case .wait, .end: break
        case .mountVolumes: await mountVolumes(snapshot, now)
        case .createSandbox: await createSandbox(snapshot, now)
        case .attach: await attach(snapshot, now)
        case .pull(let name): pull(snapshot, name)
        case .start(let name, let attempt): try await start(snapshot, name, attempt: attempt, now)
        case .resize(let name, let limits): await resize(snapshot, name, limits)
        case .stop(let name, let deadline): stop(snapshot, name, deadline: deadline, now)
        case .forget(let id):
            try? await tools.runtime.removeContainer(id)
            state.withLock { $0.sandbox?.containers.removeAll { $0.id == id } }
            let folder = "\(tools.logFolder(snapshot.pod))/\(id.name)"
            for file in Files.names(folder) where file.hasPrefix("\(id.attempt).log") {
                Files.removeAll("\(folder)/\(file)")
            }
        case .removeSandbox: try await removeSandbox(snapshot)
        case .cleanUp:
            try? await report()
            try await tools.network.detach(uid: uid)
            tools.volumes.remove(uid)
            state.withLock { state in
                state.address = nil
                state.hasVolumes = false
            }
        case .confirm: try await confirm(snapshot)
        }
    }

    // MARK: Preparation

    private func failed(_ reason: String, _ message: String, _ now: Timestamp) {
        state.withLock { state in
            state.preparation = .after(state.preparation, WaitingReason(reason: reason, message: message), now: now)
        }
        event(.warning, reason, message)
    }

    private func mountVolumes(_ snapshot: PodState, _ now: Timestamp) async {
        do {
            try await tools.volumes.prepare(snapshot.pod, source(snapshot))
            state.withLock { state in
                state.hasVolumes = true
                state.preparation = nil
            }
        } catch {
            failed("FailedMount", "\(error)", now)
            try? await report()
        }
    }

    private func createSandbox(_ snapshot: PodState, _ now: Timestamp) async {
        let pod = snapshot.pod
        var config = SandboxConfig(
            uid: uid, namespace: pod.namespace, name: pod.name, hostname: ContainerPlan.hostname(pod),
            cgroup: "\(tools.node.cgroup)/pod-\(uid)")
        config.hostNetwork = pod.spec.hostNetwork
        config.hostPID = pod.spec.json["hostPID"].bool ?? false
        config.hostIPC = pod.spec.json["hostIPC"].bool ?? false
        config.sharesProcesses = pod.spec.json["shareProcessNamespace"].bool ?? false
        config.resolvConf = tools.resolvConf(pod)
        for item in pod.spec.json["securityContext"]["sysctls"].items {
            if let name = item["name"].string { config.sysctls[name] = item["value"].string ?? "" }
        }
        do {
            let info = try await tools.runtime.createSandbox(config)
            for note in info.notes { tools.log.info("\(note)", ("pod", pod.key.path)) }
            state.withLock { state in
                state.sandbox = SandboxState(
                    uid: uid, namespace: pod.namespace, name: pod.name, shimPID: info.shimPID,
                    networkNamespace: info.networkNamespace, isAlive: true, containers: [])
                state.address = nil
                state.preparation = nil
            }
        } catch {
            failed("FailedCreatePodSandBox", "Failed to create pod sandbox: \(error.message)", now)
        }
    }

    private func attach(_ snapshot: PodState, _ now: Timestamp) async {
        let pod = snapshot.pod
        guard let sandbox = snapshot.sandbox else { return }
        let attachment = PodAttachment(
            uid: uid, namespace: pod.namespace, name: pod.name, hostPorts: PodAttachment.hostPorts(pod))
        do {
            let told = try await tools.network.attach(
                attachment, to: sandbox.networkNamespace == nil ? .node : .process(sandbox.shimPID))
            state.withLock { state in
                state.address = told.address
                state.preparation = nil
            }
        } catch {
            failed(
                "FailedCreatePodSandBox", "Failed to create pod sandbox: the network can not be attached: \(error)", now
            )
        }
    }

    // MARK: Images

    private func pull(_ snapshot: PodState, _ name: String) {
        guard let container = snapshot.allViews.first(where: { $0.name == name })?.spec else { return }
        remember(name) { $0.isPulling = true }
        aside { [self] in
            let image = container.image
            let policy = PullPolicy(rawValue: container.json["imagePullPolicy"].string ?? "") ?? .ifNotPresent
            let start = tools.clock.uptime()
            let normal = (try? Reference(image))?.description ?? image
            let isPresent = await tools.runtime.images().contains { $0.reference == normal || $0.reference == image }
            if !isPresent, policy != .never {
                event(.normal, "Pulling", "Pulling image \"\(image)\"", container: name)
            }
            let credentials = await credentials(snapshot.pod)
            do throws(RuntimeFailure) {
                let info = try await tools.runtime.ensureImage(image, policy: policy, credentials: credentials)
                let took = tools.clock.uptime() - start
                let time = "\(took.nanoseconds / 1_000_000)ms"
                event(
                    .normal, "Pulled",
                    isPresent
                        ? "Container image \"\(image)\" already present on machine"
                        : "Successfully pulled image \"\(image)\" in \(time) (\(time) including waiting). Image size: \(info.bytes) bytes.",
                    container: name)
                remember(name) { memory in
                    memory.image = info
                    memory.isPulling = false
                    memory.pull = nil
                }
            } catch {
                pullFailed(name, image, error)
            }
        }
    }

    private func pullFailed(_ name: String, _ image: String, _ error: RuntimeFailure) {
        switch error.reason {
        case .neverPull:
            event(
                .warning, "ErrImageNeverPull", "Container image \"\(image)\" is not present with pull policy of Never",
                container: name)
        case .invalidImageName:
            event(
                .warning, "InspectFailed", "Failed to apply default image tag \"\(image)\": \(error.message)",
                container: name)
        default:
            event(.warning, "Failed", "Failed to pull image \"\(image)\": \(error.message)", container: name)
        }
        event(.warning, "Failed", "Error: \(error.reason.rawValue)", container: name)
        let now = tools.clock.now()
        remember(name) { memory in
            memory.isPulling = false
            let failures = (memory.pull?.failures ?? 0) + 1
            // The first failure shows its cause; from the second on the pod shows that it waits.
            let why =
                error.reason == .pull && failures > 1
                ? WaitingReason(reason: "ImagePullBackOff", message: "Back-off pulling image \"\(image)\": \(error)")
                : WaitingReason(reason: error.reason.rawValue, message: error.message)
            let delay = Backoff.delay(
                afterFailures: failures - 1, first: Limits.restartBackoffFirst, most: Limits.restartBackoffMost)
            memory.pull = Retry(why: why, failures: failures, at: now + delay)
        }
    }

    private func credentials(_ pod: Pod) async -> [RegistryCredential] {
        var found: [RegistryCredential] = []
        for reference in pod.spec.json["imagePullSecrets"].items {
            guard let name = reference["name"].string,
                let secret = try? await tools.client.get(Secret.self, namespace: pod.namespace, name: name),
                let text = secret.json.at("data", ".dockerconfigjson").string.flatMap({ Base64.decode($0) }),
                let config = try? JSON(parsing: text)
            else { continue }
            for (host, entry) in config["auths"].members {
                var user = entry["username"].string ?? ""
                var password = entry["password"].string ?? ""
                if let packed = entry["auth"].string.flatMap({ Base64.decode($0) }) {
                    let parts = String(decoding: packed, as: UTF8.self).split(separator: ":", maxSplits: 1).map(
                        String.init)
                    if parts.count == 2 { (user, password) = (parts[0], parts[1]) }
                }
                found.append(RegistryCredential(host: host, user: user, password: password))
            }
        }
        return found
    }

    // MARK: The end

    private func removeSandbox(_ snapshot: PodState) async throws {
        if snapshot.mustEnd {
            try await report()
        } else {
            event(.normal, "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.")
        }
        try await tools.runtime.removeSandbox(uid)
        if !snapshot.pod.spec.hostNetwork, !snapshot.mustEnd {
            try await tools.network.detach(uid: uid)
            state.withLock { $0.address = nil }
        }
        probes.withLock { $0 = [:] }
        state.withLock { $0.dropSandbox() }
    }

    private func confirm(_ snapshot: PodState) async throws {
        try await report()
        do {
            try await tools.client.delete(
                Pod.self, namespace: snapshot.pod.namespace, name: snapshot.pod.name, graceSeconds: 0, uid: uid)
        } catch let status as Status where status.reason == .notFound || status.reason == .conflict {}
        state.withLock { $0.isConfirmed = true }
    }
}
