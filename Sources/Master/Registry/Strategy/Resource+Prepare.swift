import Shared

extension Resource {
    /// Makes what a client sent fit to be stored as a new object: no status, first generation.
    /// The identity (uid, creationTimestamp, resourceVersion) is the store's business.
    func prepareForCreate(_ object: inout JSON) {
        if strategy.hasStatus { resetStatus(&object) }
        if strategy.tracksGeneration { object["metadata"]["generation"] = 1 }
        switch groupResource.description {
        case "namespaces":
            let finalizers = object["spec"]["finalizers"].items
            if !finalizers.contains("kubernetes") { object["spec"]["finalizers"] = .array(finalizers + ["kubernetes"]) }
        case "pods":
            object["status"] = ["phase": "Pending", "qosClass": .string(QualityOfService(pod: object).rawValue)]
        case "persistentvolumes", "persistentvolumeclaims": object["status"] = ["phase": "Pending"]
        case "secrets": mergeStringData(&object)
        case "jobs.batch": object["metadata"]["generation"] = 1
        default: break
        }
        if object["status"].isNull { object.remove("status") }
    }

    /// Makes what a client sent fit to replace `old`: the status stays as it was, the generation follows the change.
    func prepareForUpdate(_ object: inout JSON, from old: JSON) {
        if strategy.hasStatus { object.set("status", old.object?["status"]) }
        switch groupResource.description {
        case "namespaces": object.set("spec", old.object?["spec"])
        case "secrets": mergeStringData(&object)
        case "pods":
            object["spec"].set("ephemeralContainers", old["spec"].object?["ephemeralContainers"])
        default: break
        }
        keepSystemMetadata(&object, from: old)
        guard strategy.tracksGeneration else { return }
        let generation = old["metadata"]["generation"].int ?? 0
        object["metadata"]["generation"] = JSON(
            specification(of: object) == specification(of: old) ? generation : generation + 1)
        if object["metadata"]["generation"] == 0 { object["metadata"].remove("generation") }
    }

    /// Makes what a client sent to `status` fit: all but the status stays as it was.
    func prepareForStatusUpdate(_ object: inout JSON, from old: JSON) {
        var result = old
        result.set("status", object.object?["status"])
        if let version = object["metadata"].object?["resourceVersion"] {
            result["metadata"]["resourceVersion"] = version
        }
        // Kinds whose agent also owns these keep them writable through status, as in Kubernetes.
        for key in ["managedFields", "finalizers", "labels", "annotations"]
        where key == "managedFields" || plural == "nodes" && (key == "labels" || key == "annotations") {
            if let value = object["metadata"].object?[key] { result["metadata"][key] = value }
        }
        object = result
    }

    /// What a client cannot change about an object's identity.
    private func keepSystemMetadata(_ object: inout JSON, from old: JSON) {
        for key in ["creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "selfLink"] {
            object["metadata"].set(key, old["metadata"].object?[key])
        }
        if object["metadata"]["uid"].string ?? "" == "" {
            object["metadata"].set("uid", old["metadata"].object?["uid"])
        }
    }

    /// The part of an object whose change counts as a new generation.
    private func specification(of object: JSON) -> JSON {
        switch groupResource.description {
        case "endpointslices.discovery.k8s.io": return ["endpoints": object["endpoints"], "ports": object["ports"]]
        case "priorityclasses.scheduling.k8s.io": return ["value": object["value"], "default": object["globalDefault"]]
        case "mutatingwebhookconfigurations.admissionregistration.k8s.io",
            "validatingwebhookconfigurations.admissionregistration.k8s.io":
            return object["webhooks"]
        default: return object["spec"]
        }
    }

    private func resetStatus(_ object: inout JSON) {
        object.remove("status")
        if let schemaType, let type = Schema.type(schemaType) {
            object["status"] = type.zero["status"]
        }
    }

    private func mergeStringData(_ object: inout JSON) {
        guard case .object(let texts) = object.remove("stringData") ?? .null else { return }
        for (key, value) in texts { object["data"][key] = .string(Base64.encode(Array((value.string ?? "").utf8))) }
    }
}
