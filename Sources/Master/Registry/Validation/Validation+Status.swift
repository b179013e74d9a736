import Shared

/// The rules of a status that replaces another.
extension Validation {
    static func statusRules(_ new: Field, _ old: Field, _ resource: Resource, _ errors: inout FieldErrors) {
        let status = new["status"]
        let before = old["status"]
        switch resource.groupResource.description {
        case "deployments.apps", "replicasets.apps", "statefulsets.apps", "replicationcontrollers":
            counts(status, resource, &errors)
            notDecremented(status["collisionCount"], before["collisionCount"], &errors)
        case "daemonsets.apps":
            for key in [
                "currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady",
                "observedGeneration", "updatedNumberScheduled", "numberAvailable", "numberUnavailable",
            ] {
                errors.nonNegative(status[key])
            }
            notDecremented(status["collisionCount"], before["collisionCount"], &errors)
        case "pods":
            let nominated = status["nominatedNodeName"]
            annotationChange(new, old, &errors)
            // Kubernetes names these in metadata.
            for condition in new["metadata"]["conditions"].with(status["conditions"].json).items {
                let type = condition["type"].text
                guard !["PodScheduled", "Ready", "Initialized"].contains(type) else { continue }
                errors.check(condition["Type"].with(.string(type)), NameText.qualified(type))
            }
            if !nominated.text.isEmpty, nominated.json != before["nominatedNodeName"].json {
                errors.check(nominated, NameText.subdomain(nominated.text))
            }
            for list in ["containerStatuses", "initContainerStatuses"] {
                transitions(status[list], before[list], old["spec"], list == "containerStatuses", &errors)
            }
            addresses(status, &errors)
        case "nodes": nodeChange(new, old, &errors)
        case "horizontalpodautoscalers.autoscaling":
            for key in ["currentReplicas", "desiredReplicas"] { errors.nonNegative(status[key]) }
        case "poddisruptionbudgets.policy":
            for key in ["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"] {
                errors.nonNegative(status[key])
            }
        case "certificatesigningrequests.certificates.k8s.io": decision(status, before, isApproval: false, &errors)
        case "jobs.batch": for key in ["active", "succeeded", "failed"] { errors.nonNegative(status[key]) }
        case "services", "ingresses.networking.k8s.io": balancer(status["loadBalancer"]["ingress"], &errors)
        case "namespaces":
            let (phase, isGoing) = (
                status["Phase"].with(status["phase"].json), new["metadata"]["deletionTimestamp"].isPresent
            )
            if phase.isPresent, phase.text != (isGoing ? "Terminating" : "Active") {
                errors.invalid(
                    phase,
                    isGoing
                        ? "may only be 'Terminating' if `deletionTimestamp` is not empty"
                        : "may only be 'Active' if `deletionTimestamp` is empty")
            }
        case "resourcequotas": for key in ["hard", "used"] { quotaAmounts(status[key], &errors) }
        case "persistentvolumeclaims":
            for (_, amount) in status["capacity"].entries where amount.quantity?.isNegative == true {
                errors.invalid(amount, shown: "\(amount.quantity?.value ?? 0)", "must be a valid resource quantity")
            }
        default: break
        }
    }
    /// Source: `ValidateDeploymentStatus` and its kin.
    private static func counts(_ status: Field, _ resource: Resource, _ errors: inout FieldErrors) {
        let counts: [String]
        let bounded: [String]
        switch resource.plural {
        case "deployments":
            counts = [
                "observedGeneration", "replicas", "updatedReplicas", "readyReplicas", "availableReplicas",
                "unavailableReplicas",
            ]
            bounded = ["updatedReplicas", "readyReplicas", "availableReplicas"]
        case "statefulsets":
            counts = [
                "replicas", "readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas",
                "observedGeneration",
            ]
            bounded = ["readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"]
        default:
            counts = [
                "replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas", "observedGeneration",
            ]
            bounded = ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"]
        }
        for key in counts { errors.nonNegative(status[key]) }
        for key in bounded {
            if let count = status[key].int, count > status["replicas"].int ?? 0 {
                errors.invalid(status[key], "cannot be greater than status.replicas")
            }
        }
        if let available = status["availableReplicas"].int, available > status["readyReplicas"].int ?? 0 {
            errors.invalid(
                status["availableReplicas"],
                "cannot be greater than "
                    + (resource.plural == "statefulsets" ? "status.readyReplicas" : "readyReplicas"))
        }
    }

    /// Source: `ValidateLoadBalancerStatus`.
    private static func balancer(_ places: Field, _ errors: inout FieldErrors) {
        for place in places.items {
            let (address, name) = (place["ip"], place["hostname"])
            if !address.text.isEmpty, IPAddress(address.text) == nil {
                errors.invalid(address, "must be a valid IP address")
            }
            guard !name.text.isEmpty else { continue }
            errors.check(name, NameText.subdomain(name.text))
            if IPAddress(name.text) != nil { errors.invalid(name, "must be a DNS name, not an IP address") }
        }
    }

    private static func notDecremented(_ count: Field, _ before: Field, _ errors: inout FieldErrors) {
        guard let was = before.int else { return }
        if let now = count.int, now >= was { return }
        if count.isPresent || was != 0 { errors.invalid(count, "cannot be decremented") }
    }

    /// A container that has come to its end for good does not run again; a sidecar may always.
    /// Source: `ValidateContainerStateTransition`.
    private static func transitions(
        _ statuses: Field, _ before: Field, _ spec: Field, _ isMain: Bool, _ errors: inout FieldErrors
    ) {
        let policy = spec["restartPolicy"].text
        guard policy != "Always" else { return }
        for (index, old) in before.items.enumerated() {
            let end = old["state"]["terminated"]
            guard end.isPresent else { continue }
            if policy == "OnFailure", (end["exitCode"].int ?? 0) != 0 { continue }
            let container = spec["initContainers"].json.items.first { $0["name"] == old["name"].json }
            if !isMain, container?["restartPolicy"] == "Always" { continue }
            for new in statuses.items where new["name"].text == old["name"].text {
                if new["state"]["terminated"].isAbsent {
                    errors.forbidden(
                        statuses[index]["state"], "may not be transitioned to non-terminated state")
                }
            }
        }
    }

    /// At most one address of each family. Source: `validatePodIPs`, `validateHostIPs`.
    private static func addresses(_ status: Field, _ errors: inout FieldErrors) {
        for key in ["podIPs", "hostIPs"] {
            let list = status[key]
            let all = list.items
            if key == "hostIPs", let first = all.first, first["ip"].json != status["hostIP"].json {
                errors.invalid(first["ip"], "must be equal to `hostIP`")
            }
            for item in all where IPAddress(item["ip"].text) == nil {
                errors.invalid(
                    item.with(.string(item["ip"].text)), "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
                )
            }
            guard all.count > 1 else { continue }
            let families = Set(all.compactMap { IPAddress($0["ip"].text)?.isIPv6 })
            if families.count < 2 || all.count > 2 {
                errors.invalid(list, "may specify no more than one IP for each IP family")
            }
            for (index, item) in all.enumerated() where all[..<index].contains(where: { $0.json == item.json }) {
                errors.duplicate(item)
            }
        }
    }

    /// Source: `ValidateNamespaceFinalizeUpdate`.
    static func finalization(_ new: JSON, _ old: JSON, _ resource: Resource) -> [FieldError] {
        var errors: FieldErrors = []
        let meta = Field(new)["metadata"]
        metadataWhole(meta, resource, &errors)
        for _ in 1...2 { metadataUpdate(meta, Field(old)["metadata"], resource, &errors) }
        for item in Field(new)["spec"]["finalizers"].items { finalizer(item, &errors) }
        return errors
    }

    /// Source: `ValidateCertificateSigningRequestApprovalUpdate`.
    static func approval(_ new: JSON, _ old: JSON, _ resource: Resource) -> [FieldError] {
        var errors = update(new, old, resource)
        decision(Field(new)["status"], Field(old)["status"], isApproval: true, &errors)
        return errors
    }

    /// A request is approved or denied, once. Source: `validateCertificateSigningRequestUpdate`.
    private static func decision(
        _ status: Field, _ before: Field, isApproval: Bool, _ errors: inout FieldErrors
    ) {
        let types = status["conditions"].items.map { $0["type"].text }
        for (index, condition) in status["conditions"].items.enumerated() {
            let type = condition["type"]
            if type.text.isEmpty { errors.required(type) }
            let flag = condition["status"]
            if flag.text.isEmpty {
                errors.required(flag)
            } else if !["True", "False", "Unknown"].contains(flag.text) {
                errors.notSupported(flag, ["False", "True", "Unknown"])
            } else if ["Approved", "Denied", "Failed"].contains(type.text), flag.text != "True" {
                errors.notSupported(flag, ["True"])
            }
            let other = type.text == "Approved" ? "Denied" : type.text == "Denied" ? "Approved" : ""
            if types.prefix(index).contains(other) {
                errors.invalid(type, "Approved and Denied conditions are mutually exclusive")
            }
            if types.prefix(index).contains(type.text) { errors.duplicate(type) }
        }
        let had = before["conditions"].items.map { $0["type"].text }
        for type in ["Approved", "Denied", "Failed"] where had.contains(type) && !types.contains(type) {
            errors.forbidden(status["conditions"], "updates may not remove a condition of type \(type.goQuoted)")
        }
        guard !isApproval else { return }
        for type in ["Approved", "Denied"] where types.contains(type) && !had.contains(type) {
            errors.forbidden(status["conditions"], "updates may not add a condition of type \(type.goQuoted)")
        }
    }
}
