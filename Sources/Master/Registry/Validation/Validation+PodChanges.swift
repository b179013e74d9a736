import Shared

/// What may change in a pod. Source: `ValidatePodUpdate`.
extension Validation {
    static func podChange(_ new: Field, _ old: Field, _ errors: inout FieldErrors) {
        annotationChange(new, old, &errors)
        let spec = new["spec"]
        let before = old["spec"]
        for key in ["containers", "initContainers"] {
            guard spec[key].json.items.count == before[key].json.items.count else {
                return errors.forbidden(spec[key], "pod updates may not add or remove containers")
            }
            for container in spec[key].items {
                errors.nonEmpty(container["image"])
                trimmedImage(container["image"], &errors)
            }
        }
        let deadline = spec["activeDeadlineSeconds"]
        if let wanted = deadline.int {
            if !(0...2_147_483_647).contains(wanted) {
                return errors.invalid(deadline, "must be between 0 and 2147483647, inclusive")
            }
            if let was = before["activeDeadlineSeconds"].int, wanted > was {
                return errors.invalid(deadline, "must be less than or equal to previous value")
            }
        } else if before["activeDeadlineSeconds"].isPresent {
            errors.invalid(deadline, shown: "\"null\"", "must not update from a positive integer to nil value")
        }
        tolerationChange(spec["tolerations"], before["tolerations"], &errors)
        let gates = before["schedulingGates"].json.items
        for gate in spec["schedulingGates"].items where !gates.contains(where: { $0["name"] == gate["name"].json }) {
            errors.forbidden(
                gate["name"], "only deletion is allowed, but found new scheduling gate '\(gate["name"].text)'")
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
        if !gates.isEmpty { narrowing(&patched, spec, before, &errors) }
        if patched != before.json {
            errors.forbidden(
                spec,
                "pod updates may not change fields other than `spec.containers[*].image`,"
                    + "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to "
                    + "existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was "
                    + "previously negative)")
        }
    }

    /// Annotations that are settled when a pod is made. Source: `ValidatePodSpecificAnnotationUpdates`.
    static func annotationChange(_ new: Field, _ old: Field, _ errors: inout FieldErrors) {
        let (now, was) = (new["metadata"]["annotations"], old["metadata"]["annotations"])
        func noun(_ key: String) -> String? {
            if key.hasPrefix("container.apparmor.security.beta.kubernetes.io/") { return "AppArmor annotations" }
            return key == "kubernetes.io/config.mirror" ? "mirror pod annotation" : nil
        }
        for (key, value) in was.json.members where now.json[key] != value {
            if let noun = noun(key) { errors.forbidden(now.entry(key), "may not remove or update \(noun)") }
        }
        for (key, field) in now.entries where was.json.object?[key] == nil {
            if let noun = noun(key) { errors.forbidden(field, "may not add \(noun)") }
        }
        podAnnotations(now, new["spec"], &errors)
    }

    private static func tolerationChange(_ new: Field, _ old: Field, _ errors: inout FieldErrors) {
        func place(_ toleration: JSON) -> JSON {
            var toleration = toleration
            toleration.remove("tolerationSeconds")
            return toleration
        }
        let places = new.json.items.map(place)
        guard old.json.items.allSatisfy({ places.contains(place($0)) }) else {
            return errors.forbidden(new, "existing toleration can not be modified except its tolerationSeconds")
        }
        tolerations(new, &errors)
    }

    /// A pod that waits behind gates may still be narrowed down to fewer nodes.
    /// Source: `validateNodeSelectorMutation`, `validateNodeAffinityMutation`.
    private static func narrowing(
        _ patched: inout JSON, _ spec: Field, _ before: Field, _ errors: inout FieldErrors
    ) {
        let selector = spec["nodeSelector"]
        if before["nodeSelector"].json.members.contains(where: { selector.json.object?[$0.key] != $0.value }) {
            errors.invalid(selector, "only additions to spec.nodeSelector are allowed (no mutations or deletions)")
        }
        patched.set("nodeSelector", before.json.object?["nodeSelector"])
        let (new, old) = (spec["affinity"]["nodeAffinity"], before["affinity"]["nodeAffinity"])
        guard new.json != old.json else { return }
        let required = "requiredDuringSchedulingIgnoredDuringExecution"
        let terms = new[required]["nodeSelectorTerms"]
        let hadTerms = old[required]["nodeSelectorTerms"].json.items
        if !hadTerms.isEmpty, hadTerms.count != terms.json.items.count {
            errors.invalid(terms, "no additions/deletions to non-empty NodeSelectorTerms list are allowed")
        } else {
            for (term, was) in zip(terms.items, hadTerms) {
                let isKept = ["matchExpressions", "matchFields"].allSatisfy { key in
                    term[key].json.items.starts(with: was[key].items)
                }
                let wasEmpty = was["matchExpressions"].items.isEmpty && was["matchFields"].items.isEmpty
                if !isKept || wasEmpty && term.json != was {
                    errors.invalid(term, "only additions are allowed (no mutations or deletions)")
                }
            }
        }
        if before["affinity"].isAbsent, patched["affinity"].members.map(\.key) == ["nodeAffinity"] {
            patched.remove("affinity")
        } else {
            patched["affinity"].set("nodeAffinity", before["affinity"].json.object?["nodeAffinity"])
        }
    }
}
