import Shared

extension PodLoop {
    // MARK: Start

    func start(_ snapshot: PodState, _ name: String, attempt: Int, _ now: Timestamp) async throws {
        guard let view = snapshot.allViews.first(where: { $0.name == name }), let image = view.memory.image else {
            return
        }
        let config: ContainerConfig
        do {
            config = try await configuration(snapshot, view, image, attempt)
        } catch let error as ConfigError {
            return refused(name, "CreateContainerConfigError", error.message, now)
        }
        // Another agent's or an earlier attempt's log of that number is not continued.
        if view.current != nil {
            let ended = view.exit.map { Timestamp(nanoseconds: $0.finishedAt) } ?? now
            let began = Timestamp(nanoseconds: view.current?.startedAt ?? 0)
            remember(name) { $0.backoff.count(run: ended - began) }
        }
        do {
            let started = try await tools.runtime.startContainer(config, in: uid)
            event(.normal, "Created", "Created container \(name)", container: name)
            state.withLock { $0.put(started) }
            remember(name) { memory in
                memory.create = nil
                memory.stop = nil
                memory.restartReason = nil
                memory.isStarted = view.probe("startupProbe") == nil
                memory.isReady = view.probe("readinessProbe") == nil
                memory.postStart = view.spec.json["lifecycle"]["postStart"].object == nil ? .done : .running
                // Pulled again with the next attempt, where the policy says so.
                memory.image = nil
                memory.limits = view.isEphemeral ? nil : config.limits
            }
            event(.normal, "Started", "Started container \(name)", container: name)
            runPostStart(view, started.id, snapshot)
        } catch {
            failedStart(view, config, attempt, error, now)
        }
    }

    private func configuration(_ snapshot: PodState, _ view: ContainerView, _ image: ImageInfo, _ attempt: Int)
        async throws
        -> ContainerConfig
    {
        let pod = snapshot.pod
        var source = source(snapshot)
        if pod.spec.json["enableServiceLinks"].bool ?? true {
            source.services = tools.services(pod.namespace)
        } else {
            source.services = tools.services("").filter { $0.name.hasPrefix("KUBERNETES_") }
        }
        let names = EnvironmentPlan.references(view.spec)
        for name in names.configMaps {
            source.configMaps[name] = try await tools.client.found(ConfigMap.self, namespace: pod.namespace, name: name)
        }
        for name in names.secrets {
            source.secrets[name] = try await tools.client.found(Secret.self, namespace: pod.namespace, name: name)
        }
        let environment = try EnvironmentPlan(view.spec, source)
        for (kind, name, keys) in environment.skipped {
            event(
                .warning, "InvalidEnvironmentVariableNames",
                "Keys [\(keys.joined(separator: ", "))] from the EnvFrom \(kind) \(pod.namespace)/\(name) were skipped since they are considered invalid environment variable names."
            )
        }
        let plan = ContainerPlan(
            pod: pod, container: view.spec, image: image, attempt: attempt, environment: environment,
            mounts: try tools.volumes.mounts(view.spec, pod, environment.table),
            logPath: tools.logPath(pod, view.name, attempt),
            address: snapshot.address?.description ?? "", hostname: ContainerPlan.hostname(pod))
        var config = try plan.config()
        if view.isEphemeral { config.target = view.spec.json["targetContainerName"].string ?? "" }
        if tools.runtime.kind == .process { tools.fit(&config, address: snapshot.address, environment.table) }
        return config
    }

    private func failedStart(
        _ view: ContainerView, _ config: ContainerConfig, _ attempt: Int, _ error: RuntimeFailure, _ now: Timestamp
    ) {
        let name = view.name
        guard error.reason == .start else {
            if error.reason == .notFound {
                // The shim ended meanwhile; its sandbox is looked at anew.
                state.withLock { $0.sandbox?.isAlive = false }
            }
            return refused(name, error.reason.rawValue, error.message, now)
        }
        event(.normal, "Created", "Created container \(name)", container: name)
        event(.warning, "Failed", "Error: \(error.message)", container: name)
        var ended = ContainerState(
            id: ContainerID(sandbox: uid, name: name, attempt: attempt), phase: .exited, pid: 0,
            startedAt: now.nanoseconds, exit: ContainerExit(code: 128, finishedAt: now.nanoseconds))
        ended.image = config.image.reference
        ended.imageID = config.image.id
        ended.logPath = config.logPath
        state.withLock { $0.put(ended) }
        remember(name) { memory in
            memory.startError = (attempt, error.message)
            memory.create = nil
            memory.image = nil
        }
    }

    private func refused(_ name: String, _ reason: String, _ message: String, _ now: Timestamp) {
        event(.warning, "Failed", "Error: \(message)", container: name)
        remember(name) { memory in
            memory.create = .after(memory.create, WaitingReason(reason: reason, message: message), now: now)
        }
    }

    /// Applies new limits to the running container, or restarts it where `resizePolicy` asks for that.
    func resize(_ snapshot: PodState, _ name: String, _ limits: ResourceLimits) async {
        guard let view = snapshot.allViews.first(where: { $0.name == name }), let id = view.current?.id else { return }
        let old = view.memory.limits ?? limits
        let restarts = view.spec.json["resizePolicy"].items.contains { rule in
            guard rule["restartPolicy"].string == "RestartContainer" else { return false }
            return rule["resourceName"].string == "memory"
                ? old.memoryBytes != limits.memoryBytes
                : old.cpuMillis != limits.cpuMillis || old.cpuRequestMillis != limits.cpuRequestMillis
        }
        remember(name) { memory in
            memory.limits = limits
            memory.isResized = true
            if restarts { memory.restartReason = "Container \(name) resize requires restart" }
        }
        guard !restarts else { return }
        do {
            try await tools.runtime.setLimits(limits, of: id)
        } catch {
            event(.warning, "ResizeFailed", "Container \(name) can not be resized: \(error.message)", container: name)
        }
    }

    // MARK: Hooks

    private func runPostStart(_ view: ContainerView, _ id: ContainerID, _ snapshot: PodState) {
        let hook = view.spec.json["lifecycle"]["postStart"]
        guard hook.object != nil else { return }
        aside { [self] in
            let failure = await run(hook: hook, view, id, snapshot, timeout: .seconds(3600))
            if let failure {
                event(.warning, "FailedPostStartHook", failure, container: view.name)
                remember(view.name) { $0.restartReason = "FailedPostStartHook" }
            }
            remember(view.name) { $0.postStart = .done }
        }
    }

    /// The sentence of the event when the hook failed.
    private func run(
        hook: JSON, _ view: ContainerView, _ id: ContainerID, _ snapshot: PodState, timeout: Duration
    ) async -> String? {
        let pod = snapshot.pod
        let prefix = "lifecycle hook"
        let place = "for Container \"\(view.name)\" in Pod \"\(snapshot.fullName)\" failed"
        if let seconds = hook["sleep"]["seconds"].int {
            try? await tools.clock.sleep(for: min(.seconds(seconds), timeout))
            return nil
        }
        if hook["exec"].object != nil {
            let argv = hook["exec"]["command"].items.compactMap(\.string)
            let text = argv.joined(separator: " ")
            do {
                let result = try await tools.runtime.execProbe(argv, in: id, timeout: timeout)
                if result.exitCode == 0 { return nil }
                let output = JSON.string(String(decoding: result.output, as: UTF8.self)).text
                return
                    "Exec \(prefix) ([\(text)]) \(place) - error: command '\(text)' exited with \(result.exitCode ?? 137): , message: \(output)"
            } catch {
                return "Exec \(prefix) ([\(text)]) \(place) - error: \(error.message), message: \"\""
            }
        }
        let address = pod.spec.hostNetwork ? tools.node.address : snapshot.address?.description ?? ""
        let runner = ProbeRunner(runtime: tools.runtime, clock: tools.clock)
        switch await runner.run(Probe.Action(hook), view.spec, id: id, address: address, timeout: timeout) {
        case .success: return nil
        case .failure(let why), .errored(let why):
            return "Http \(prefix) (\(hook["httpGet"]["path"].string ?? "")) \(place) - error: \(why), message: \"\""
        }
    }

    // MARK: Stop

    func stop(_ snapshot: PodState, _ name: String, deadline: Timestamp, _ now: Timestamp) {
        guard let view = snapshot.allViews.first(where: { $0.name == name }), let id = view.current?.id else { return }
        let isHurried = view.memory.stop?.attempt == id.attempt
        let isRestart = !snapshot.mustEnd
        state.withLock { state in
            if state.endStart == nil, state.mustEnd { state.endStart = now }
            state.containers[name, default: ContainerMemory()].stop = .init(attempt: id.attempt, deadline: deadline)
            state.containers[name]?.isReady = false
        }
        if isHurried || deadline <= now {
            aside { [self] in try? await tools.runtime.stopContainer(id, grace: max(.zero, deadline - now)) }
            return
        }
        let reason = view.memory.restartReason ?? ""
        event(
            .normal, "Killing", isRestart && !reason.isEmpty ? reason : "Stopping container \(name)", container: name)
        aside { [self] in
            let hook = view.spec.json["lifecycle"]["preStop"]
            if hook.object != nil {
                let left = max(.seconds(1), deadline - tools.clock.now())
                if let failure = await run(hook: hook, view, id, snapshot, timeout: left) {
                    event(.warning, "FailedPreStopHook", failure, container: name)
                }
            }
            let left = hook.object == nil ? deadline - now : max(Limits.graceLeast, deadline - tools.clock.now())
            do { try await tools.runtime.stopContainer(id, grace: left) } catch {
                tools.log.warning("a container was not stopped", ("container", "\(id)"), ("error", "\(error)"))
                remember(name) { $0.stop = nil }
            }
        }
    }

    // MARK: Probes

    /// Starts what is due and tells when to look again.
    func runProbes(_ snapshot: PodState, now: Timestamp) -> Timestamp? {
        guard !snapshot.mustEnd else { return nil }
        var earliest = EarliestTime()
        for view in snapshot.allViews where !view.isInit || view.isSidecar {
            guard view.isRunning, let current = view.current, view.memory.stop == nil else { continue }
            for kind in Probe.Kind.allCases {
                guard let json = view.probe(kind.rawValue) else { continue }
                // The others wait for the startup probe.
                if kind == .startup ? view.memory.isStarted : !view.memory.isStarted { continue }
                let key = "\(view.name)/\(kind.rawValue)"
                let due = probes.withLock { probes -> ProbeCourse? in
                    if probes[key]?.attempt != current.id.attempt {
                        probes[key] = ProbeCourse(
                            Probe(json, kind: kind), attempt: current.id.attempt,
                            startedAt: Timestamp(nanoseconds: current.startedAt))
                    }
                    guard let course = probes[key], !course.isRunning else { return nil }
                    guard course.isDue(now) else {
                        earliest.add(course.next)
                        return nil
                    }
                    probes[key]?.begin()
                    return course
                }
                if let due { run(due, key, view, current.id, snapshot) }
            }
        }
        return earliest.time
    }

    private func run(
        _ course: ProbeCourse, _ key: String, _ view: ContainerView, _ id: ContainerID, _ snapshot: PodState
    ) {
        aside { [self] in
            let address = snapshot.pod.spec.hostNetwork ? tools.node.address : snapshot.address?.description ?? ""
            let runner = ProbeRunner(runtime: tools.runtime, clock: tools.clock)
            let outcome = await runner.run(
                course.probe.action, view.spec, id: id, address: address, timeout: course.probe.timeout)
            let isNew = probes.withLock { probes -> Bool in
                guard probes[key]?.attempt == id.attempt else { return false }
                return probes[key]?.end(outcome, now: tools.clock.now()) ?? false
            }
            let isStill = self.snapshot.allViews.contains { $0.current?.id == id && $0.isRunning }
            guard isStill else { return }
            let label = course.probe.kind.label
            switch outcome {
            case .failure(let why):
                event(.warning, "Unhealthy", "\(label) probe failed: \(why)", container: view.name)
            case .errored(let why):
                event(.warning, "Unhealthy", "\(label) probe errored: \(why)", container: view.name)
            case .success: break
            }
            guard isNew else { return }
            let isGood = outcome == .success
            remember(view.name) { memory in
                switch course.probe.kind {
                case .readiness: memory.isReady = isGood
                case .startup where isGood: memory.isStarted = true
                case .liveness where isGood: break
                default:
                    memory.restartReason =
                        "Container \(view.name) failed \(label.lowercased()) probe, will be restarted"
                }
            }
        }
    }
}
