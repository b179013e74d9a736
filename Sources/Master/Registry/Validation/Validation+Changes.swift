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
        case "persistentvolumeclaims": claimChange(new, old, &errors)
        case "persistentvolumes":
            for key in persistentSources where !isSameSource(spec[key].json, before[key].json, key) {
                errors.forbidden(
                    spec["persistentvolumesource"], "spec.persistentvolumesource is immutable after creation")
                break
            }
            // Kubernetes leaves `spec` out of these paths.
            errors.immutable(new["volumeMode"].with(spec["volumeMode"].json), before["volumeMode"])
            if before["nodeAffinity"].isPresent {
                errors.immutable(new["nodeAffinity"].with(spec["nodeAffinity"].json), before["nodeAffinity"])
            }
        case "nodes": nodeChange(new, old, &errors)
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

    /// A secret for resizing may still be named. Source: `ValidatePersistentVolumeUpdate`.
    private static func isSameSource(_ new: JSON, _ old: JSON, _ kind: String) -> Bool {
        var new = new
        if kind == "csi", old["controllerExpandSecretRef"].isNull { new.remove("controllerExpandSecretRef") }
        return new == old
    }

    /// What a cluster has given to a node stays.
    static func nodeChange(_ node: Field, _ old: Field, _ errors: inout FieldErrors) {
        let (spec, before) = (node["spec"], old["spec"])
        nodeAmounts(node["status"], &errors)
        let addresses = node["status"]["addresses"].items
        for (index, address) in addresses.enumerated()
        where addresses[..<index].contains(where: { $0.json == address.json }) {
            errors.duplicate(address)
        }
        for (key, path) in [("podCIDR", "podCIDRs"), ("providerID", "providerID")]
        where !before[key].text.isEmpty && spec[key].json != before[key].json {
            errors.forbidden(spec[path], "node updates may not change \(key) except from \"\" to valid")
        }
        taints(node, &errors)
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

    private static func needsHealthCheck(_ spec: Field) -> Bool {
        spec["type"].text == "LoadBalancer" && spec["externalTrafficPolicy"].text == "Local"
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
        let (health, hadHealth) = (new["spec"]["healthCheckNodePort"], old["spec"]["healthCheckNodePort"])
        if [old, new].allSatisfy({ needsHealthCheck($0["spec"]) }), health.int ?? 0 != hadHealth.int ?? 0 {
            errors.forbidden(health, "field is immutable")
        }
        let kind = old["spec"]["loadBalancerClass"]
        if types == ["LoadBalancer", "LoadBalancer"], kind.json != new["spec"]["loadBalancerClass"].json {
            errors.invalid(new["spec"]["loadBalancerClass"], "may not change once set")
        }
    }

    /// Source: `ValidatePersistentVolumeClaimUpdate`.
    private static func claimChange(_ new: Field, _ old: Field, _ errors: inout FieldErrors) {
        let (spec, before) = (new["spec"], old["spec"])
        let key = "volume.beta.kubernetes.io/storage-class"
        let annotation = new["metadata"]["annotations"][key]
        let was = old["metadata"]["annotations"][key]
        let (name, hadName) = (spec["storageClassName"], before["storageClassName"].isPresent)
        var patched = spec.json
        if was.isPresent, !hadName, name.json == was.json, annotation.isAbsent || annotation.json == was.json {
            // The class moves from the annotation to its field.
            patched.remove("storageClassName")
        } else {
            if annotation.text != was.text {
                errors.invalid(annotation.with(.string(annotation.text)), "field is immutable")
            }
            if name.isPresent, !hadName, was.isAbsent || name.json == was.json { patched.remove("storageClassName") }
        }
        if before["volumeName"].text.isEmpty { patched.set("volumeName", before.json.object?["volumeName"]) }
        let wanted = spec["resources"]["requests"]
        if old["status"]["phase"].text == "Bound" {
            let kept = before["resources"]["requests"]["storage"]
            if wanted.isPresent { patched["resources"]["requests"]["storage"] = kept.json }
            if spec["volumeAttributesClassName"].isPresent {
                patched.set("volumeAttributesClassName", before.json.object?["volumeAttributesClassName"])
            }
        }
        if patched != before.json {
            errors.forbidden(
                spec,
                "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"
            )
        }
        if let size = wanted["storage"].quantity, let had = before["resources"]["requests"]["storage"].quantity,
            size < had
        {
            errors.forbidden(wanted["storage"], "field can not be less than previous value")
        }
        errors.immutable(Field(["volumeMode": spec["volumeMode"].json])["volumeMode"], before["volumeMode"])
        let (mode, hadMode) = (spec["volumeAttributesClassName"], before["volumeAttributesClassName"])
        if hadMode.isPresent, mode.isAbsent {
            errors.forbidden(mode, "update from non-nil value to nil is forbidden")
        } else if hadMode.isPresent, mode.json != hadMode.json, mode.text.isEmpty {
            errors.forbidden(mode, "update from non-nil value to an empty string is forbidden")
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
