import Shared

@testable import Master

/// What recordings note of an object, by kind.
extension NormalForm {
    func view(_ kind: String, _ object: JSON) -> JSON {
        let object = kind == "HorizontalPodAutoscaler" ? AutoscalerVersions.first(object) : object
        var view: JSON = ["name": object["metadata"]["name"]]
        let metadata = Object(object).metadata
        let (spec, status) = (object["spec"], object["status"])
        if metadata.isDeleting { view["deleting"] = true }
        switch kind {
        case "Pod": addPod(Pod(object), &view)
        case "Deployment", "ReplicaSet", "StatefulSet", "ReplicationController":
            view["replicas"] = spec["replicas"]
            addLabels(metadata, &view)
            addAnnotations(metadata, &view)
            addOwners(metadata, &view)
            addFinalizers(metadata, &view)
            let image = spec.at("template", "spec", "containers")[0]["image"]
            if kind == "StatefulSet" {
                view.remove("labels")
                view.remove("annotations")
            } else {
                view["image"] = image
            }
            if kind != "ReplicaSet" { view["generation"] = JSON(metadata.generation) }
            if kind == "ReplicaSet", let seconds = spec["minReadySeconds"].int, seconds > 0 {
                view["minReadySeconds"] = JSON(seconds)
            }
            view["status"] = NormalForm.pick(status, NormalForm.counts[kind] ?? [])
            if kind == "Deployment" || !status["conditions"].items.isEmpty { addConditions(status, &view) }
        case "DaemonSet":
            view["generation"] = JSON(metadata.generation)
            addAnnotations(metadata, &view)
            view["status"] = NormalForm.pick(status, NormalForm.counts[kind] ?? [])
        case "ControllerRevision":
            addAnnotations(metadata, &view)
            addLabels(metadata, &view)
            addOwners(metadata, &view)
            view["revision"] = object["revision"]
        case "Job": addJob(object, &view)
        case "CronJob":
            view["active"] = .array(status["active"].items.map { $0["name"] })
            view["hasLastSchedule"] = .bool(!status["lastScheduleTime"].isNull)
            view["suspend"] = .bool(spec["suspend"].bool ?? false)
        case "Endpoints": addEndpoints(object, &view)
        case "EndpointSlice": addSlice(object, &view)
        case "ConfigMap", "Secret":
            view["keys"] = JSON(object["data"].members.keys.sorted())
            addOwners(metadata, &view)
            addFinalizers(metadata, &view)
            if kind == "Secret" {
                view["type"] = object["type"]
                addAnnotations(metadata, &view)
            }
        case "ServiceAccount": view["secrets"] = .array(object["secrets"].items.map { $0["name"] })
        case "ResourceQuota":
            view["spec"] = spec
            view["status"] = status
        case "PodDisruptionBudget", "HorizontalPodAutoscaler":
            if kind == "PodDisruptionBudget" {
                view["generation"] = JSON(metadata.generation)
                view["disruptedPods"] = JSON(status["disruptedPods"].members.keys.sorted())
            }
            if kind == "HorizontalPodAutoscaler" { addAnnotations(metadata, &view) }
            view["status"] = NormalForm.pick(status, NormalForm.counts[kind] ?? [])
        case "Namespace":
            view["phase"] = status["phase"]
            view["specFinalizers"] = spec["finalizers"].items.isEmpty ? [] : spec["finalizers"]
            if !status["conditions"].items.isEmpty { addConditions(status, &view) }
        case "Node": addNode(Node(object), &view)
        case "PersistentVolumeClaim":
            addFinalizers(metadata, &view)
            addAnnotations(metadata, &view)
            addLabels(metadata, &view)
            view["phase"] = status["phase"]
            view["requests"] = ["storage": spec.at("resources", "requests", "storage")]
            view["status"] = NormalForm.pick(status, ["accessModes", "capacity"])
            if !spec["volumeName"].isNull { view["volumeName"] = spec["volumeName"] }
        case "PersistentVolume":
            addFinalizers(metadata, &view)
            addAnnotations(metadata, &view)
            view["phase"] = status["phase"]
            view["reclaim"] = spec["persistentVolumeReclaimPolicy"]
            if !status["message"].isNull { view["message"] = status["message"] }
            if let claim = PersistentVolume(object).claim {
                view["claimRef"] = [
                    "name": .string("\(claim.namespace)/\(claim.name)"), "uid": .bool(!claim.uid.isEmpty),
                ]
            }
        default: break
        }
        return view
    }

    /// Members of a status that existed in the recorded version.
    private static let counts: [String: Set<String>] = [
        "Deployment": [
            "availableReplicas", "observedGeneration", "readyReplicas", "replicas", "updatedReplicas",
            "unavailableReplicas", "collisionCount",
        ],
        "ReplicaSet": ["availableReplicas", "fullyLabeledReplicas", "readyReplicas", "replicas"],
        "ReplicationController": ["availableReplicas", "fullyLabeledReplicas", "readyReplicas", "replicas"],
        "StatefulSet": [
            "collisionCount", "currentReplicas", "currentRevision", "observedGeneration", "replicas", "updateRevision",
            "updatedReplicas", "readyReplicas",
        ],
        "DaemonSet": [
            "currentNumberScheduled", "desiredNumberScheduled", "numberAvailable", "numberMisscheduled", "numberReady",
            "observedGeneration", "updatedNumberScheduled", "numberUnavailable",
        ],
        "PodDisruptionBudget": [
            "currentHealthy", "desiredHealthy", "disruptionsAllowed", "expectedPods", "observedGeneration",
        ],
        "HorizontalPodAutoscaler": ["currentReplicas", "desiredReplicas", "lastScaleTime"],
    ]

    static func pick(_ object: JSON, _ keys: Set<String>) -> JSON {
        .object(
            JSON.Members(object.members.filter { keys.contains($0.key) && !$0.value.isNull }.map { ($0.key, $0.value) })
        )
    }

    // MARK: Metadata

    private func addLabels(_ metadata: ObjectMeta, _ view: inout JSON) {
        if !metadata.labels.isEmpty { view["labels"] = JSON(metadata.labels) }
    }
    private func addAnnotations(_ metadata: ObjectMeta, _ view: inout JSON) {
        if !metadata.annotations.isEmpty { view["annotations"] = JSON(metadata.annotations) }
    }
    private func addFinalizers(_ metadata: ObjectMeta, _ view: inout JSON) {
        if !metadata.finalizers.isEmpty { view["finalizers"] = JSON(metadata.finalizers.sorted()) }
    }
    private func addOwners(_ metadata: ObjectMeta, _ view: inout JSON) {
        let owners = metadata.ownerReferences.map {
            "\($0.kind)/\($0.name)" + ($0.isController ? "!" : "") + ($0.blocksOwnerDeletion ? "^" : "")
        }
        if !owners.isEmpty { view["owners"] = JSON(owners) }
    }
    private func addConditions(_ status: JSON, _ view: inout JSON) {
        let conditions = status["conditions"].items.map {
            NormalForm.pick($0, ["type", "status", "reason", "message"])
        }
        view["conditions"] = .array(conditions.sorted { ($0["type"].string ?? "") < ($1["type"].string ?? "") })
    }

    // MARK: Kinds

    private func addPod(_ pod: Pod, _ view: inout JSON) {
        addLabels(pod.metadata, &view)
        addOwners(pod.metadata, &view)
        view["image"] = .string(pod.spec.containers.first?.image ?? "")
        view["phase"] = .string(pod.status.phase.rawValue)
        view["ready"] = .bool(pod.status.condition("Ready")?.isTrue ?? false)
        let node = pod.spec.nodeName
        if node.hasPrefix(Replay.namespace) {
            view["node"] = .string(node)
        } else {
            view["bound"] = .bool(!node.isEmpty)
        }
        if let hostname = pod.spec.json["hostname"].string { view["hostname"] = .string(hostname) }
        let claims = pod.spec.volumes.compactMap { volume in
            volume.at("persistentVolumeClaim", "claimName").string.map { "\(volume["name"].string ?? ""):\($0)" }
        }
        // Noted of the pods that a controller gave them to.
        if !claims.isEmpty, pod.metadata.controller != nil { view["volumes"] = JSON(claims.sorted()) }
    }

    private func addJob(_ job: JSON, _ view: inout JSON) {
        let (spec, status) = (job["spec"], job["status"])
        addLabels(Object(job).metadata, &view)
        addOwners(Object(job).metadata, &view)
        view["spec"] = NormalForm.pick(
            spec,
            ["backoffLimit", "completions", "parallelism", "selector", "activeDeadlineSeconds", "manualSelector"])
        view["hasStart"] = .bool(!status["startTime"].isNull)
        view["hasCompletion"] = .bool(!status["completionTime"].isNull)
        let counts = NormalForm.pick(status, ["active", "succeeded", "failed"]).members.filter { $0.value != 0 }
        view["status"] = .object(JSON.Members(counts.map { ($0.key, $0.value) }))
        if !status["conditions"].items.isEmpty { addConditions(status, &view) }
    }

    private func addEndpoints(_ object: JSON, _ view: inout JSON) {
        addLabels(Object(object).metadata, &view)
        func address(_ address: JSON) -> JSON {
            var short = NormalForm.pick(address, ["ip", "hostname"])
            if !address["nodeName"].isNull { short["nodeName"] = true }
            if let target = NormalForm.target(address) { short["target"] = target }
            return short
        }
        view["subsets"] = .array(
            object["subsets"].items.map { subset in
                var short: JSON = [:]
                for list in ["addresses", "notReadyAddresses"] where !subset[list].items.isEmpty {
                    short[list] = .array(subset[list].items.map(address).sorted { $0.text < $1.text })
                }
                if !subset["ports"].items.isEmpty { short["ports"] = subset["ports"] }
                return short
            })
    }

    private func addSlice(_ object: JSON, _ view: inout JSON) {
        addLabels(Object(object).metadata, &view)
        addOwners(Object(object).metadata, &view)
        view["addressType"] = object["addressType"]
        view["ports"] = .array(object["ports"].items)
        // Slices did not name pods that end, unless these are still to be used.
        let serving = object["endpoints"].items.filter {
            !($0.at("conditions", "terminating").bool ?? false) || ($0.at("conditions", "ready").bool ?? false)
        }
        view["endpoints"] = .array(
            serving.map { endpoint in
                var short = NormalForm.pick(endpoint, ["addresses", "hostname"])
                short["conditions"] = ["ready": endpoint.at("conditions", "ready")]
                if let target = NormalForm.target(endpoint) { short["target"] = target }
                if !endpoint["nodeName"].isNull { short["topologyKeys"] = ["kubernetes.io/hostname"] }
                return short
            }.sorted { $0.text < $1.text })
    }

    private static func target(_ address: JSON) -> JSON? {
        guard let kind = address.at("targetRef", "kind").string else { return nil }
        return .string("\(kind)/\(address.at("targetRef", "name").string ?? "")")
    }

    private func addNode(_ node: Node, _ view: inout JSON) {
        var metadata = node.metadata
        metadata.labels["kubernetes.io/hostname"] = nil
        addLabels(metadata, &view)
        view["unschedulable"] = .bool(node.isUnschedulable)
        view["taints"] = JSON(
            node.taints.filter { $0.key != "helper" }.map { "\($0.key)=\($0.value):\($0.effect)" }.sorted())
        let conditions = node.json.at("status", "conditions").items.map {
            NormalForm.pick($0, ["type", "status", "reason"])
        }
        view["conditions"] = .array(conditions.sorted { ($0["type"].string ?? "") < ($1["type"].string ?? "") })
    }

    // MARK: What later versions changed on purpose

    /// An answer without the names of the containers that leave out what a quota counts, which are told since 1.26.
    static func modern(answer: JSON) -> JSON {
        let message = answer["message"].string ?? ""
        guard let range = message.firstRange(of: ": must specify ") else { return answer }
        let names = message[range.upperBound...].split(separator: ";").flatMap { part in
            (part.firstRange(of: " for: ").map { part[..<$0.lowerBound] } ?? part).split(separator: ",")
        }
        var answer = answer
        answer["message"] = .string(
            message[..<range.upperBound] + names.map { String($0.drop { $0 == " " }) }.joined(separator: ","))
        return answer
    }

    /// The object without what came later, or is told otherwise now; nil for what is told no more.
    static func modern(_ object: JSON, _ kind: String) -> JSON? {
        var object = object
        let added = ["batch.kubernetes.io/", "endpoints.kubernetes.io/", StatefulSet.podIndexLabel]
        for part in [["labels"], ["spec", "selector", "matchLabels"]] where object.at(part).object != nil {
            var labels: [String: String] = [:]
            for (key, value) in object.at(part).strings {
                if part.count == 3, key.hasPrefix("batch.kubernetes.io/") {
                    labels[String(key.dropFirst("batch.kubernetes.io/".count))] = value
                } else if !added.contains(where: { key.hasPrefix($0) }) {
                    labels[key] = value
                }
            }
            if part.count == 1 {
                object["labels"] = labels.isEmpty ? nil : JSON(labels)
            } else {
                object["spec"]["selector"]["matchLabels"] = JSON(labels)
            }
        }
        if kind == "Job" {
            let kept = object["conditions"].items.filter {
                !["FailureTarget", "SuccessCriteriaMet"].contains($0["type"].string ?? "")
            }.map { condition in
                condition["type"].string == "Complete" ? pick(condition, ["type", "status"]) : condition
            }
            object.set("conditions", kept.isEmpty ? nil : .array(kept))
            // Left open then, false by default now.
            if object.at("spec", "manualSelector") == false { object["spec"].remove("manualSelector") }
        }
        if kind == "events", object["reason"] == "SawCompletedJob" {
            object["message"] = .string(
                (object["message"].string ?? "").replacing(", status: ", with: ", condition: "))
        }
        // No token is kept in a Secret since 1.24, unless somebody asks for one.
        let isTokenName: (JSON) -> Bool = { $0.string?.hasSuffix("-token-*") ?? false }
        if kind == "Secret", isTokenName(object["name"]) { return nil }
        if kind == "ServiceAccount" {
            object["secrets"] = .array(object["secrets"].items.filter { !isTokenName($0) })
        }
        if kind == "events", object["reason"] == "ExternalExpanding" {
            object["type"] = "Normal"
            object["message"] = "waiting for an external controller to expand this PVC"
        }
        if kind == "EndpointSlice" {
            // Headless services had slices of both families then.
            if object["addressType"] == "IPv6", object["endpoints"].items.isEmpty { return nil }
            object["endpoints"] = .array(object["endpoints"].items.map(\.canonical).sorted { $0.text < $1.text })
        }
        return object.canonical
    }
}
