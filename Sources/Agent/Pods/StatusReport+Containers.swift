import Shared

extension StatusReport {
    /// One entry of `containerStatuses`.
    func container(_ view: ContainerView) -> JSON {
        let (current, last) = states(view)
        var json: JSON = ["name": .string(view.name)]
        json["state"] = current
        json["lastState"] = last
        json["ready"] = .bool(
            view.isEphemeral ? false : view.isInit && !view.isSidecar ? view.succeeded : isReady(view))
        json["restartCount"] = JSON(restartCount(view))
        let shown = view.current ?? view.previous
        json["image"] = .string(view.spec.image)
        json["imageID"] = .string(shown?.imageID ?? "")
        if let shown { json["containerID"] = .string(shown.id.description) }
        if view.isRunning, view.memory.isResized {
            json["resources"] = view.spec.json["resources"]
            if view.spec.json["resources"]["requests"].object != nil {
                json["allocatedResources"] = view.spec.json["resources"]["requests"]
            }
        }
        if !view.isEphemeral, !view.isInit || view.isSidecar {
            json["started"] = .bool(view.isRunning && view.memory.isStarted)
        }
        return json
    }

    private func restartCount(_ view: ContainerView) -> Int {
        if let current = view.current { return current.id.attempt }
        return max(0, (view.previous?.id.attempt).map { $0 } ?? (state.nextAttempt(view) - 1))
    }

    private func states(_ view: ContainerView) -> (current: JSON, last: JSON) {
        let previous = view.previous.map { terminated($0, view) } ?? known(view, "lastState")
        guard let current = view.current else { return (waiting(view), previous) }
        if current.phase == .running {
            let start = Timestamp(nanoseconds: current.startedAt).rfc3339
            return (["running": ["startedAt": .string(start)]], previous)
        }
        let ended = terminated(current, view)
        if view.shouldRestart, !state.mustEnd {
            if let create = view.memory.create {
                return (waitingJSON(create.why), ended)
            }
            if let pull = view.memory.pull { return (waitingJSON(pull.why), ended) }
            let delay = view.memory.backoff.delay
            if delay > .zero, view.restartTime(now: now) > now {
                let seconds = Int(delay.inSeconds)
                let text = seconds >= 60 ? "\(seconds / 60)m\(seconds % 60)s" : "\(seconds)s"
                let why = WaitingReason(
                    reason: "CrashLoopBackOff",
                    message: "back-off \(text) restarting failed container=\(view.name) pod=\(state.fullName)")
                return (waitingJSON(why), ended)
            }
        }
        return (ended, previous)
    }

    private func waiting(_ view: ContainerView) -> JSON {
        if let create = view.memory.create { return waitingJSON(create.why) }
        if let pull = view.memory.pull { return waitingJSON(pull.why) }
        let inits = state.initViews.filter { $0.isSidecar ? !$0.isRunning : !$0.succeeded }
        let isBehind = view.isEphemeral ? false : view.isInit ? !state.initViews.isEmpty : !inits.isEmpty
        return ["waiting": ["reason": isBehind ? "PodInitializing" : "ContainerCreating"]]
    }

    private func waitingJSON(_ why: WaitingReason) -> JSON {
        var waiting: JSON = ["reason": .string(why.reason)]
        if !why.message.isEmpty { waiting["message"] = .string(why.message) }
        return ["waiting": waiting]
    }

    private func statuses(_ view: ContainerView) -> [ContainerStatus] {
        if view.isEphemeral {
            return state.pod.status.json["ephemeralContainerStatuses"].items.map(ContainerStatus.init)
        }
        return view.isInit ? state.pod.status.initContainerStatuses : state.pod.status.containerStatuses
    }

    /// What the API knows from before this agent's start, when nothing better is known.
    private func known(_ view: ContainerView, _ key: String) -> JSON {
        let statuses = statuses(view)
        guard let status = statuses.first(where: { $0.name == view.name }) else { return [:] }
        let value = status.json[key]
        if key == "lastState", view.current != nil, (value.at("terminated", "containerID").string ?? "").isEmpty {
            return [:]
        }
        return value.object == nil ? [:] : value
    }

    private func terminated(_ attempt: ContainerState, _ view: ContainerView) -> JSON {
        let exit = attempt.exit ?? ContainerExit(code: 137)
        if let said = alreadySaid(attempt, view) { return said }
        var json: JSON = ["exitCode": JSON(Int(exit.code))]
        let error = view.memory.startError.flatMap { $0.attempt == attempt.id.attempt ? $0.message : nil }
        json["reason"] = .string(
            exit.oomKilled ? "OOMKilled" : error != nil ? "StartError" : exit.code == 0 ? "Completed" : "Error")
        let log = view.memory.logMessage.flatMap { $0.attempt == attempt.id.attempt ? $0.message : nil }
        let message = error ?? (exit.message.isEmpty ? log ?? "" : exit.message)
        if !message.isEmpty { json["message"] = .string(message) }
        let started = error != nil ? Timestamp(seconds: 0) : Timestamp(nanoseconds: attempt.startedAt)
        json["startedAt"] = .string(started.rfc3339)
        json["finishedAt"] = .string(Timestamp(nanoseconds: exit.finishedAt).rfc3339)
        json["containerID"] = .string(attempt.id.description)
        return ["terminated": json]
    }

    /// The end of this attempt as the API has it: a former agent may have known more about it.
    private func alreadySaid(_ attempt: ContainerState, _ view: ContainerView) -> JSON? {
        let statuses = statuses(view)
        guard let status = statuses.first(where: { $0.name == view.name }) else { return nil }
        return [status.state, status.lastState].first {
            $0.at("terminated", "containerID").string == attempt.id.description
        }
    }
}
