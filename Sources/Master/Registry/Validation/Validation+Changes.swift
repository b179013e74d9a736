import Shared

/// What may not change once an object is there, and the rules of a status.
extension Validation {
    static func changes(_ new: Field, _ old: Field, _ resource: Resource, _ errors: inout FieldErrors) {
        let spec = new["spec"]
        let before = old["spec"]
        switch resource.groupResource.description {
        case "pods": podChange(new, old, &errors)
        case "configmaps", "secrets":
            if resource.plural == "secrets" { errors.immutable(new["type"], old["type"]) }
            guard old["immutable"].bool else { return }
            let text = "field is immutable when `immutable` is set"
            if !new["immutable"].bool { errors.forbidden(new["immutable"], text) }
            for key in ["data", "binaryData"] where new[key].json != old[key].json { errors.forbidden(new[key], text) }
        case "services": serviceChange(new, old, &errors)
        case "persistentvolumeclaims": claimChange(spec, before, old, &errors)
        case "persistentvolumes":
            for key in kinds where spec[key].json != before[key].json {
                errors.forbidden(
                    spec["persistentvolumesource"], "spec.persistentvolumesource is immutable after creation")
                break
            }
            errors.immutable(spec["volumeMode"], before["volumeMode"])
            if before["nodeAffinity"].isPresent { errors.immutable(spec["nodeAffinity"], before["nodeAffinity"]) }
        case "resourcequotas":
            if spec["scopes"].json != before["scopes"].json { errors.invalid(spec["scopes"], "field is immutable") }
        case "deployments.apps", "replicasets.apps", "daemonsets.apps":
            errors.immutable(spec["selector"], before["selector"])
        case "statefulsets.apps": statefulSetChange(spec, before, &errors)
        case "controllerrevisions.apps": errors.immutable(new["data"], old["data"])
        case "jobs.batch":
            let isSuspended = before["suspend"].bool
            for key in [
                "completions", "selector", "template", "completionMode", "podFailurePolicy", "backoffLimitPerIndex",
            ]
            where !(key == "template" && isSuspended)
                && !(key == "completions" && spec["completionMode"].text == "Indexed")
            {
                errors.immutable(spec[key], before[key])
            }
        case "customresourcedefinitions.apiextensions.k8s.io": definitionChange(new, old, &errors)
        case "ingressclasses.networking.k8s.io": errors.immutable(spec["controller"], before["controller"])
        case "endpointslices.discovery.k8s.io": errors.immutable(new["addressType"], old["addressType"])
        case "rolebindings.rbac.authorization.k8s.io", "clusterrolebindings.rbac.authorization.k8s.io":
            errors.immutable(new["roleRef"], old["roleRef"], "cannot change roleRef")
        case "priorityclasses.scheduling.k8s.io":
            if new["value"].json != old["value"].json {
                errors.forbidden(new["Value"], "may not be changed in an update.")
            }
            errors.immutable(new["preemptionPolicy"], old["preemptionPolicy"])
        case "storageclasses.storage.k8s.io":
            for key in ["parameters", "provisioner", "reclaimPolicy"] where new[key].json != old[key].json {
                errors.forbidden(new[key], "updates to \(key) are forbidden.")
            }
            errors.immutable(new["volumeBindingMode"], old["volumeBindingMode"])
        case "runtimeclasses.node.k8s.io": errors.immutable(new["handler"], old["handler"])
        case "volumeattachments.storage.k8s.io", "certificatesigningrequests.certificates.k8s.io":
            errors.immutable(spec, before)
        case "csistoragecapacities.storage.k8s.io":
            for key in ["storageClassName", "nodeTopology"] { errors.immutable(new[key], old[key]) }
        default: break
        }
    }

    private static func podChange(_ new: Field, _ old: Field, _ errors: inout FieldErrors) {
        let spec = new["spec"]
        let before = old["spec"]
        for key in ["containers", "initContainers"] where spec[key].json.items.count != before[key].json.items.count {
            errors.forbidden(spec[key], "pod updates may not add or remove containers")
            return
        }
        if let deadline = before["activeDeadlineSeconds"].int, let wanted = spec["activeDeadlineSeconds"].int,
            wanted > deadline
        {
            errors.invalid(spec["activeDeadlineSeconds"], "must be less than or equal to previous value")
        }
        let had = before["tolerations"].json.items
        let has = spec["tolerations"].json.items
        if !had.allSatisfy({ old in has.contains { $0 == old || samePlace($0, old) } }) {
            errors.forbidden(
                spec["tolerations"], "existing toleration can not be modified except its tolerationSeconds")
        }
        // With all that may change set back, nothing may be left over.
        var patched = spec.json
        for key in ["activeDeadlineSeconds", "tolerations", "schedulingGates"] {
            patched.set(key, before.json.object?[key])
        }
        for list in ["containers", "initContainers"] {
            guard case .array(var items) = patched[list] else { continue }
            for index in items.indices { items[index].set("image", before[list][index].json.object?["image"]) }
            patched[list] = .array(items)
        }
        if spec["terminationGracePeriodSeconds"].int == 1, (before["terminationGracePeriodSeconds"].int ?? 0) < 0 {
            patched.set("terminationGracePeriodSeconds", before.json.object?["terminationGracePeriodSeconds"])
        }
        if patched != before.json {
            errors.forbidden(
                spec,
                "pod updates may not change fields other than `spec.containers[*].image`,"
                    + "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to "
                    + "existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was "
                    + "previously negative)")
        }
    }
    private static func samePlace(_ new: JSON, _ old: JSON) -> Bool {
        var (new, old) = (new, old)
        new.remove("tolerationSeconds")
        old.remove("tolerationSeconds")
        return new == old
    }

    private static func serviceChange(_ new: Field, _ old: Field, _ errors: inout FieldErrors) {
        let was = old["spec"]["clusterIP"].text
        let now = new["spec"]["clusterIP"].text
        let types = [old["spec"]["type"].text, new["spec"]["type"].text]
        if !types.contains("ExternalName"), !was.isEmpty, now != was {
            errors.invalid(new["spec"]["clusterIPs"][0].with(.string(now)), "may not change once set")
        }
    }

    private static func claimChange(_ spec: Field, _ before: Field, _ old: Field, _ errors: inout FieldErrors) {
        var patched = spec.json
        if before["volumeName"].text.isEmpty { patched.set("volumeName", before.json.object?["volumeName"]) }
        patched.set("volumeAttributesClassName", before.json.object?["volumeAttributesClassName"])
        let isBound = old["status"]["phase"].text == "Bound"
        if isBound { patched["resources"]["requests"] = before["resources"]["requests"].json }
        if patched != before.json {
            errors.forbidden(
                spec,
                "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"
            )
        }
        let wanted = spec["resources"]["requests"]
        if isBound, let size = wanted["storage"].quantity,
            let was = before["resources"]["requests"]["storage"].quantity, size < was
        {
            errors.forbidden(wanted["storage"], "field can not be less than previous value")
        }
    }

    private static func statefulSetChange(_ spec: Field, _ before: Field, _ errors: inout FieldErrors) {
        var patched = spec.json
        for key in [
            "replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit",
            "persistentVolumeClaimRetentionPolicy", "minReadySeconds",
        ] {
            patched.set(key, before.json.object?[key])
        }
        if patched != before.json {
            errors.forbidden(
                spec,
                "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
                    + "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
            )
        }
    }

    static func statusRules(_ status: Field, _ resource: Resource, _ errors: inout FieldErrors) {
        switch resource.groupResource.description {
        case "deployments.apps", "replicasets.apps", "statefulsets.apps", "replicationcontrollers":
            let total = status["replicas"].int ?? 0
            for key in [
                "replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas",
                "fullyLabeledReplicas", "currentReplicas", "observedGeneration",
            ] {
                errors.nonNegative(status[key])
            }
            for key in ["updatedReplicas", "readyReplicas", "availableReplicas", "fullyLabeledReplicas"] {
                if let count = status[key].int, count > total {
                    errors.invalid(status[key], "cannot be greater than status.replicas")
                }
            }
            if let available = status["availableReplicas"].int, available > status["readyReplicas"].int ?? 0 {
                errors.invalid(status["availableReplicas"], "cannot be greater than readyReplicas")
            }
        case "daemonsets.apps":
            for key in [
                "currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady",
                "observedGeneration", "updatedNumberScheduled", "numberAvailable", "numberUnavailable",
            ] {
                errors.nonNegative(status[key])
            }
        case "jobs.batch": for key in ["active", "succeeded", "failed"] { errors.nonNegative(status[key]) }
        default: break
        }
    }
}
