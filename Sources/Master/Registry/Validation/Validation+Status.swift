import Shared

/// The rules of a status that replaces another.
extension Validation {
    static func statusRules(_ new: Field, _ old: Field, _ resource: Resource, _ errors: inout FieldErrors) {
        let status = new["status"]
        let before = old["status"]
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
            if !nominated.text.isEmpty { errors.check(nominated, NameText.subdomain(nominated.text)) }
            for condition in status["conditions"].items {
                let type = condition["type"].text
                guard !["PodScheduled", "Ready", "Initialized"].contains(type) else { continue }
                errors.check(condition["Type"].with(.string(type)), NameText.qualified(type))
            }
            for (list, restart) in [("initContainerStatuses", false), ("containerStatuses", true)] {
                transitions(status[list], before[list], new["spec"]["restartPolicy"].text, restart, &errors)
            }
        case "horizontalpodautoscalers.autoscaling":
            for key in ["currentReplicas", "desiredReplicas"] { errors.nonNegative(status[key]) }
        case "poddisruptionbudgets.policy":
            for key in ["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"] {
                errors.nonNegative(status[key])
            }
        case "certificatesigningrequests.certificates.k8s.io": decision(status, before, &errors)
        case "jobs.batch": for key in ["active", "succeeded", "failed"] { errors.nonNegative(status[key]) }
        case "services":
            for (index, place) in status["loadBalancer"]["ingress"].items.enumerated() {
                let field = status["loadBalancer"]["ingress"][index]["ip"]
                if !place["ip"].text.isEmpty, IPAddress(place["ip"].text) == nil {
                    errors.invalid(field, "must be a valid IP address")
                }
                if !place["hostname"].text.isEmpty {
                    errors.check(place["hostname"], NameText.subdomain(place["hostname"].text))
                    if IPAddress(place["hostname"].text) != nil {
                        errors.invalid(place["hostname"], "must be a DNS name, not an IP address")
                    }
                }
            }
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
    private static func notDecremented(_ count: Field, _ before: Field, _ errors: inout FieldErrors) {
        guard let was = before.int else { return }
        if let now = count.int, now >= was { return }
        if count.isPresent || was != 0 { errors.invalid(count, "cannot be decremented") }
    }

    /// A container that has come to its end for good does not run again.
    /// Source: `ValidateContainerStateTransition`.
    private static func transitions(
        _ statuses: Field, _ before: Field, _ policy: String, _ isMain: Bool, _ errors: inout FieldErrors
    ) {
        guard policy != "Always" else { return }
        for (index, old) in before.items.enumerated() {
            let end = old["state"]["terminated"]
            guard end.isPresent else { continue }
            if policy == "OnFailure", (end["exitCode"].int ?? 0) != 0 { continue }
            for new in statuses.items where new["name"].text == old["name"].text {
                // A sidecar is started again whatever its pod's policy says; only its own failure ends it.
                if !isMain, (new["restartCount"].int ?? 0) > (old["restartCount"].int ?? 0) { continue }
                if new["state"]["terminated"].isAbsent {
                    errors.forbidden(
                        statuses[index]["state"], "may not be transitioned to non-terminated state")
                }
            }
        }
    }

    /// A request is approved or denied, once. Source: `validateCertificateSigningRequestUpdate`.
    private static func decision(_ status: Field, _ before: Field, _ errors: inout FieldErrors) {
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
        for old in before["conditions"].items {
            let type = old["type"].text
            if ["Approved", "Denied", "Failed"].contains(type), !types.contains(type) {
                errors.forbidden(
                    status["conditions"], "updates may not remove a condition of type \(type.goQuoted)")
            }
        }
    }
}
