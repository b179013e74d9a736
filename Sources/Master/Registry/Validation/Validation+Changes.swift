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
            // Kubernetes leaves `spec` out of these paths.
            errors.immutable(new["volumeMode"].with(spec["volumeMode"].json), before["volumeMode"])
            if before["nodeAffinity"].isPresent {
                errors.immutable(new["nodeAffinity"].with(spec["nodeAffinity"].json), before["nodeAffinity"])
            }
        case "nodes": nodeChange(spec, before, &errors)
        case "csidrivers.storage.k8s.io":
            for key in ["attachRequired", "volumeLifecycleModes"] where spec[key].json != before[key].json {
                errors.invalid(spec, "field is immutable")
                break
            }
        case "csinodes.storage.k8s.io":
            for driver in before["drivers"].items {
                let same = spec["drivers"].items.first { $0["name"].json == driver["name"].json }
                if let same,
                    same["nodeID"].json != driver["nodeID"].json
                        || same["topologyKeys"].json != driver["topologyKeys"].json
                {
                    errors.invalid(same, "field is immutable")
                }
            }
        case "events.events.k8s.io": eventChange(new, old, &errors)
        case "customresourcedefinitions.apiextensions.k8s.io": definitionChange(new, old, &errors)
        case "resourcequotas":
            if spec["scopes"].json != before["scopes"].json {
                errors.invalid(
                    spec["scopes"], shown: GoText.strings(spec["scopes"].json, of: "core.ResourceQuotaScope"),
                    "field is immutable")
            }
        case "deployments.apps", "replicasets.apps", "daemonsets.apps":
            errors.immutable(spec["selector"], before["selector"], shown: GoText.selector(spec["selector"].json))
        case "statefulsets.apps": statefulSetChange(spec, before, &errors)
        case "controllerrevisions.apps": errors.immutable(new["data"], old["data"])
        case "jobs.batch": jobChange(spec, before, hasStarted: old["status"]["startTime"].isPresent, &errors)
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

    /// Source: `ValidateJobUpdate`.
    private static func jobChange(_ spec: Field, _ before: Field, hasStarted: Bool, _ errors: inout FieldErrors) {
        // Told with the other rules already, and once more, as by a real server.
        wholeJob(spec, &errors)
        // The number of indexes may grow and shrink with the number of pods at a time.
        let isElastic =
            spec["completionMode"].text == "Indexed" && spec["completions"].json == spec["parallelism"].json
        if !isElastic { errors.immutable(spec["completions"], before["completions"]) }
        errors.immutable(spec["selector"], before["selector"], shown: GoText.selector(spec["selector"].json))
        var template = spec["template"].json
        if before["suspend"].bool, !hasStarted {
            // Before the first pod, who queues jobs may still say where they go.
            let was = before["template"].json
            for key in ["labels", "annotations"] {
                template["metadata"].set(key, was["metadata"].object?[key])
            }
            for key in ["nodeSelector", "tolerations", "schedulingGates", "affinity"] {
                template["spec"].set(key, was["spec"].object?[key])
            }
        }
        if template != before["template"].json { errors.immutable(spec["template"], before["template"]) }
        for key in ["completionMode", "podFailurePolicy", "backoffLimitPerIndex", "successPolicy", "managedBy"] {
            errors.immutable(spec[key], before[key])
        }
    }

    /// What a cluster has given to a node stays.
    private static func nodeChange(_ spec: Field, _ before: Field, _ errors: inout FieldErrors) {
        for (key, path) in [("podCIDR", "podCIDRs"), ("providerID", "providerID")]
        where !before[key].text.isEmpty && spec[key].json != before[key].json {
            errors.forbidden(spec[path], "node updates may not change \(key) except from \"\" to valid")
        }
    }

    /// Events of the new form can be counted up, nothing else. Source: `ValidateEventUpdate`.
    private static func eventChange(_ new: Field, _ old: Field, _ errors: inout FieldErrors) {
        for key in [
            "regarding", "reason", "note", "type", "reportingController", "reportingInstance", "action", "related",
            "eventTime", "deprecatedSource", "deprecatedFirstTimestamp", "deprecatedCount",
        ] {
            errors.immutable(new[key], old[key])
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
        if before["activeDeadlineSeconds"].isPresent, spec["activeDeadlineSeconds"].isAbsent {
            errors.invalid(
                spec["activeDeadlineSeconds"], "must not update from a positive integer to nil value")
        }
        for list in ["containers", "initContainers"] {
            for container in spec[list].items where container["image"].text.isEmpty {
                errors.required(container["image"])
            }
        }
        let gates = before["schedulingGates"].json.items
        for gate in spec["schedulingGates"].items where !gates.contains(gate.json) {
            errors.forbidden(gate, "only deletion is allowed, but found new scheduling gate '\(gate["name"].text)'")
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
        if !gates.isEmpty {
            // A pod that waits behind gates may be narrowed down still.
            for key in ["nodeSelector", "affinity"] { patched.set(key, before.json.object?[key]) }
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
            let all =
                new["spec"]["clusterIPs"].json.items.isEmpty ? .array([.string(now)]) : new["spec"]["clusterIPs"].json
            errors.invalid(new["spec"]["clusterIPs"][0], shown: GoText.strings(all), "may not change once set")
        }
        let kind = old["spec"]["loadBalancerClass"]
        if types == ["LoadBalancer", "LoadBalancer"], kind.json != new["spec"]["loadBalancerClass"].json {
            errors.invalid(new["spec"]["loadBalancerClass"], "may not change once set")
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
        errors.immutable(Field(["volumeMode": spec["volumeMode"].json])["volumeMode"], before["volumeMode"])
        let wanted = spec["resources"]["requests"]
        if let size = wanted["storage"].quantity,
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
}
