import Shared

@testable import Master

/// The operations of recordings.
extension Replay {
    private var client: Client { cluster.client }

    /// Does one operation.
    /// - Returns: its answer when recordings list it.
    func perform(_ raw: JSON) async throws -> JSON? {
        let action = resolve(raw)
        switch action["op"].string ?? "" {
        case "wait": try await cluster.run(for: .milliseconds(Int64((action["s"].double ?? 0) * 1000)))
        case "waitfor": try await wait(for: action)
        case "auto": cluster.agents.setAutomatic(action["on"].bool ?? true)
        case "tick": try await cluster.agents.tick()
        case "node": try await startNode(action)
        case "silent": cluster.agents.mute(action["name"].string ?? "")
        case "alive": try await cluster.agents.start(action["name"].string ?? "", client)
        case "cond": try await setCondition(action)
        case "pods": try await movePods(action)
        case "rmpods": for pod in pods(action) { try await remove(pod) }
        case "labelpods": for pod in pods([:]) { try await label(pod, action["set"]) }
        case "patchpods": for pod in pods(action) { try await restart(pod, action["restarts"].int ?? 0) }
        default: return await call(action)
        }
        return nil
    }

    // MARK: Requests

    private func call(_ action: JSON) async -> JSON? {
        let verb = action["op"].string ?? ""
        do {
            switch verb {
            case "create": try await create(action["obj"])
            case "patch":
                let format = action["type"].string ?? "merge"
                let type =
                    format == "json" ? "json-patch" : format == "strategic" ? "strategic-merge-patch" : "merge-patch"
                _ = try await client.call(
                    "PATCH", path(action) + (action["sub"].string.map { "/\($0)" } ?? ""), body: action["body"],
                    contentType: "application/\(type)+json")
            case "delete": try await delete(action)
            case "rmnode":
                cluster.agents.silence(action["name"].string ?? "")
                _ = try await client.delete(Node.self, name: action["name"].string ?? "")
            case "evict":
                let name = action["name"].string ?? ""
                let eviction: JSON = [
                    "apiVersion": "policy/v1", "kind": "Eviction",
                    "metadata": ["name": .string(name), "namespace": .string(Replay.namespace)],
                ]
                let path = Pod.type.path(namespace: Replay.namespace, name: name, subresource: "eviction")
                _ = try await client.call("POST", path, body: eviction)
                return ["op": "evict", "code": 201, "message": "", "reason": "", "causes": []]
            default: return ["op": .string(verb), "message": "the operation is not known"]
            }
            return nil
        } catch let status as Status {
            var result: JSON = [
                "op": .string(verb), "code": JSON(status.code), "reason": .string(status.reason.rawValue),
                "message": .string(status.message),
            ]
            if verb == "evict" {
                result["causes"] = .array(
                    status.causes.map { ["reason": .string($0.reason), "message": .string($0.message)] })
            }
            return result
        } catch {
            return ["op": .string(verb), "message": .string("\(error)")]
        }
    }

    private func create(_ object: JSON) async throws {
        let type = try type(of: object["kind"].string ?? "")
        var object = object
        object["apiVersion"] = .string(type.apiVersion)
        _ = try await client.call("POST", type.path(namespace: Replay.namespace), body: object)
    }

    private func delete(_ action: JSON) async throws {
        var options: JSON = ["kind": "DeleteOptions", "apiVersion": "v1"]
        if let grace = action["grace"].int { options["gracePeriodSeconds"] = JSON(grace) }
        if let policy = action["policy"].string { options["propagationPolicy"] = .string(policy) }
        _ = try await client.call("DELETE", path(action), body: options)
    }

    private func path(_ action: JSON) throws -> String {
        try type(of: action["kind"].string ?? "")
            .path(namespace: Replay.namespace, name: action["name"].string ?? "")
    }

    private func type(of kind: String) throws -> KindType {
        let registry = cluster.plane.storage.registry
        guard let resource = registry.resources.first(where: { $0.kind == kind && $0.isStored }) else {
            throw Status(.notFound, "\(kind) is not served")
        }
        return resource.type
    }

    // MARK: Nodes

    private func startNode(_ action: JSON) async throws {
        let name = action["name"].string ?? ""
        var labels = ["kubernetes.io/hostname": name].merging(action["labels"].strings) { $1 }
        labels["helper"] = "gc"
        labels["set"] = Replay.word
        var amounts: JSON = ["cpu": "8", "memory": "16Gi", "pods": "110"]
        for (key, value) in action["alloc"].members { amounts[key] = value }
        try await cluster.agents.start(
            name, client,
            FakeAgents.Shape(labels: labels, taints: [Replay.helperTaint] + action["taints"].items, amounts: amounts))
        if action["unschedulable"].bool ?? false {
            _ = try await client.patch(Node.self, name: name, .merge, ["spec": ["unschedulable": true]])
        }
    }

    private func setCondition(_ action: JSON) async throws {
        let condition: JSON = [
            "type": action["type"], "status": action["status"], "reason": "Test",
            "lastHeartbeatTime": .string(cluster.clock.now().rfc3339),
            "lastTransitionTime": .string(cluster.clock.now().rfc3339),
        ]
        _ = try await client.patch(
            Node.self, name: action["name"].string ?? "", subresource: "status", .strategic,
            ["status": ["conditions": [condition]]])
    }

    // MARK: Pods

    /// The pods that an operation means, the oldest first.
    private func pods(_ action: JSON) -> [Pod] {
        let labels = LabelSelector(equal: action["labels"].strings)
        let names = action["names"].items.compactMap(\.string)
        var pods = cluster.plane.store.list(Pod.type.resource, namespace: Replay.namespace).items
            .compactMap { try? $0.json() }.map { Pod($0) }.filter { pod in
                (names.isEmpty || names.contains(pod.name)) && labels.matches(pod.metadata.labels)
                    && action["image"].string.map { $0 == pod.spec.containers.first?.image } ?? true
                    && action["phase"].string.map { $0 == pod.status.phase.rawValue } ?? true
            }
        pods.sort {
            ($0.metadata.creationTimestamp ?? Timestamp(seconds: 0), $0.name)
                < ($1.metadata.creationTimestamp ?? Timestamp(seconds: 0), $1.name)
        }
        return action["n"].int.map { Array(pods.prefix($0)) } ?? pods
    }

    private func movePods(_ action: JSON) async throws {
        let since = action["ago"].int.map { cluster.clock.now() - .seconds($0) }
        let states: [String: FakeAgents.PodState] = [
            "ready": .running, "notready": .unready, "succeeded": .succeeded, "failed": .failed,
            "pendingip": .addressed,
        ]
        for pod in pods(action) {
            if action["to"].string == "gone" {
                try await client.delete(Pod.self, namespace: pod.namespace, name: pod.name, graceSeconds: 0)
            } else if let state = states[action["to"].string ?? ""] {
                try await cluster.agents.move(pod, to: state, client, since: since)
            }
        }
    }

    private func remove(_ pod: Pod) async throws {
        try await client.delete(Pod.self, namespace: pod.namespace, name: pod.name)
    }
    private func label(_ pod: Pod, _ labels: JSON) async throws {
        _ = try await client.patch(
            Pod.self, namespace: pod.namespace, name: pod.name, .merge, ["metadata": ["labels": labels]])
    }
    private func restart(_ pod: Pod, _ restarts: Int) async throws {
        let statuses = pod.spec.containers.map { container -> JSON in
            [
                "name": .string(container.name), "image": .string(container.image), "imageID": "", "ready": true,
                "restartCount": JSON(restarts),
            ]
        }
        _ = try await client.patch(
            Pod.self, namespace: pod.namespace, name: pod.name, subresource: "status", .strategic,
            ["status": ["containerStatuses": .array(statuses)]])
    }

    // MARK: Waiting

    /// Lets time pass until there are so many objects of a kind, or of those in a state.
    private func wait(for action: JSON) async throws {
        let type = try type(of: action["kind"].string ?? "")
        let wanted = action["n"].int ?? 1
        _ = try await cluster.time(until: .seconds(action["max"].int ?? 30)) {
            let objects = cluster.plane.store.list(type.resource).items.filter {
                $0.key.namespace == (type.isNamespaced ? Replay.namespace : "")
                    && (type.isNamespaced || $0.key.name.hasPrefix(Replay.namespace))
            }.compactMap { try? $0.json() }.filter { object in
                if let type = action["cond"].string {
                    return object.at("status", "conditions").items.contains {
                        $0["type"].string == type && $0["status"].string == action["is"].string ?? "True"
                    }
                }
                if let key = action["taint"].string {
                    return object.at("spec", "taints").items.contains { $0["key"].string == key }
                }
                return true
            }
            return wanted == 0 ? objects.isEmpty : objects.count >= wanted
        }
    }

    // MARK: Placeholders

    /// The operation with `$S`, `$T…`, `$uid:…`, `$first:…` and `$last:…` put in.
    private func resolve(_ json: JSON) -> JSON {
        switch json {
        case .string(let text): .string(resolve(text))
        case .array(let items): .array(items.map(resolve))
        case .object(let members): .object(JSON.Members(members.map { ($0.key, resolve($0.value)) }))
        default: json
        }
    }

    private func resolve(_ text: String) -> String {
        guard text.contains("$") else { return text }
        if text.hasPrefix("$T"), let seconds = Int(text.dropFirst(2)) {
            return (cluster.clock.now() + .seconds(seconds)).rfc3339
        }
        if text.hasPrefix("$uid:") {
            let parts = text.dropFirst(5).split(separator: "/").map(String.init)
            guard parts.count == 2, let type = try? type(of: parts[0]) else { return text }
            let namespace = type.isNamespaced ? Replay.namespace : ""
            let key = ObjectKey(type.resource, namespace: namespace, name: resolve(parts[1]))
            return cluster.plane.store.get(key)?.projection.uid ?? text
        }
        for (prefix, isFirst) in [("$first:", true), ("$last:", false)] where text.hasPrefix(prefix) {
            guard let type = try? type(of: String(text.dropFirst(prefix.count))) else { return text }
            let names = cluster.plane.store.list(type.resource, namespace: Replay.namespace).items
                .compactMap { try? $0.json() }.map { Object($0).metadata }
                .sorted { ($0.creationTimestamp ?? .init(seconds: 0)) < ($1.creationTimestamp ?? .init(seconds: 0)) }
            return (isFirst ? names.first : names.last)?.name ?? text
        }
        return text.replacing("$S", with: Replay.word)
    }
}
