import Shared

/// Jobs and cron jobs. Source: `pkg/apis/batch/validation`.
extension Validation {
    static func job(_ object: Field, _ errors: inout FieldErrors) {
        let spec = object["spec"]
        generatedSelector(object, &errors)
        wholeJob(spec, &errors)
    }

    /// The specification of a job with its selector.
    static func wholeJob(_ spec: Field, _ errors: inout FieldErrors) {
        jobSpec(spec, &errors)
        let isAbsent = spec["selector"].isAbsent
        if isAbsent { errors.required(spec["selector"]) } else { selector(spec["selector"], &errors) }
        let labels = spec["template"]["metadata"]["labels"]
        // A selector that is absent selects nothing.
        if isAbsent || LabelSelector(spec["selector"].json)?.matches(labels.json.strings) == false {
            errors.invalid(labels, shown: GoText.map(labels.json), "`selector` does not match template `labels`")
        }
    }

    /// A job whose selector is made for it must not be given another one.
    private static func generatedSelector(_ object: Field, _ errors: inout FieldErrors) {
        let spec = object["spec"]
        guard !spec["manualSelector"].bool, spec["selector"].isPresent else { return }
        let uid = object["metadata"]["uid"].json
        if uid.string?.isEmpty ?? true { errors.required(object["metadata"]["uid"]) }
        let labels = spec["selector"]["matchLabels"].json.members
        let isOwn =
            labels.count == 1 && spec["selector"]["matchExpressions"].json.items.isEmpty
            && ["batch.kubernetes.io/controller-uid", "controller-uid"].contains { labels[$0] == uid }
        if !isOwn {
            errors.invalid(
                spec["selector"], shown: GoText.selector(spec["selector"].json), "`selector` not auto-generated")
        }
    }

    private static func jobSpec(_ spec: Field, _ errors: inout FieldErrors) {
        for key in [
            "parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished",
            "backoffLimitPerIndex", "maxFailedIndexes",
        ] {
            errors.nonNegative(spec[key])
        }
        indexes(spec, &errors)
        podFailurePolicy(spec, &errors)
        if spec["managedBy"].isPresent {
            errors.check(spec["managedBy"], NameText.qualified(spec["managedBy"].text))
            if spec["managedBy"].text.utf8.count > 63 { errors.tooLong(spec["managedBy"], bytes: 63) }
        }
        if spec["podReplacementPolicy"].isPresent {
            if spec["podFailurePolicy"].isPresent {
                errors.oneOf(spec["podReplacementPolicy"], ["Failed"])
            } else {
                errors.oneOf(spec["podReplacementPolicy"], ["Failed", "TerminatingOrFailed"])
            }
        }
        jobTemplate(spec["template"], &errors)
    }

    private static func indexes(_ spec: Field, _ errors: inout FieldErrors) {
        let mode = spec["completionMode"].text
        if !mode.isEmpty, !["Indexed", "NonIndexed"].contains(mode) {
            errors.notSupported(spec["completionMode"], ["NonIndexed", "Indexed"])
        }
        let isIndexed = mode == "Indexed"
        if isIndexed {
            if spec["completions"].isAbsent {
                errors.required(spec["completions"], "when completion mode is Indexed")
            }
            if let count = spec["parallelism"].int, count > 100_000 {
                errors.invalid(
                    spec["parallelism"], "must be less than or equal to 100000 when completion mode is Indexed")
            }
        } else {
            for key in ["backoffLimitPerIndex", "maxFailedIndexes"] where spec[key].isPresent {
                errors.invalid(spec[key], "requires indexed completion mode")
            }
        }
        if let failed = spec["maxFailedIndexes"].int {
            if spec["backoffLimitPerIndex"].isAbsent {
                errors.required(spec["backoffLimitPerIndex"], "when maxFailedIndexes is specified")
            }
            if let completions = spec["completions"].int, failed > completions {
                errors.invalid(spec["maxFailedIndexes"], "must be less than or equal to completions")
            }
        }
        let success = spec["successPolicy"]
        guard success.isPresent else { return }
        if !isIndexed { errors.invalid(success, "requires indexed completion mode") }
        if success["rules"].json.items.isEmpty {
            errors.required(
                success["rules"], "at least one rules must be specified when the successPolicy is specified")
        }
        if success["rules"].json.items.count > 20 {
            errors.tooMany(success["rules"], count: success["rules"].json.items.count, max: 20)
        }
    }

    private static func podFailurePolicy(_ spec: Field, _ errors: inout FieldErrors) {
        let policy = spec["podFailurePolicy"]
        guard policy.isPresent else { return }
        if spec["template"]["spec"]["restartPolicy"].text != "Never" {
            errors.invalid(
                spec["template"]["spec"]["restartPolicy"],
                "only \"Never\" is supported when podFailurePolicy is specified")
        }
        let rules = policy["rules"].items
        if rules.count > 20 { errors.tooMany(policy["rules"], count: rules.count, max: 20) }
        let containers = spec["template"]["spec"]
        let names = (containers["containers"].json.items + containers["initContainers"].json.items).compactMap {
            $0["name"].string
        }
        for rule in rules { failureRule(rule, spec, names, &errors) }
    }

    private static func failureRule(_ rule: Field, _ spec: Field, _ names: [String], _ errors: inout FieldErrors) {
        let actions = ["Count", "FailIndex", "FailJob", "Ignore"]
        if rule["action"].text.isEmpty {
            errors.required(rule["action"], "valid values: \"Count\", \"FailIndex\", \"FailJob\", \"Ignore\"")
        } else if !actions.contains(rule["action"].text) {
            errors.notSupported(rule["action"], actions)
        } else if rule["action"].text == "FailIndex", spec["backoffLimitPerIndex"].isAbsent {
            errors.invalid(rule["action"], "requires the backoffLimitPerIndex to be set")
        }
        let codes = rule["onExitCodes"]
        let conditions = rule["onPodConditions"]
        if codes.isPresent, !conditions.json.items.isEmpty {
            errors.invalid(rule, "specifying both OnExitCodes and OnPodConditions is not supported")
        }
        if codes.isAbsent, conditions.json.items.isEmpty {
            errors.invalid(rule, "specifying one of OnExitCodes and OnPodConditions is required")
        }
        if codes.isPresent {
            errors.oneOf(codes["operator"], ["In", "NotIn"], required: true)
            let name = codes["containerName"]
            if name.isPresent, !names.contains(name.text) {
                errors.invalid(name, "must be one of the container or initContainer names in the pod template")
            }
            let values = codes["values"].items
            if values.isEmpty { errors.invalid(codes["values"], "at least one value is required") }
            if values.count > 255 { errors.tooMany(codes["values"], count: values.count, max: 255) }
            var seen: Set<Int> = []
            for (index, value) in values.enumerated() {
                guard let code = value.int else { continue }
                if codes["operator"].text == "In", code == 0 {
                    errors.invalid(value, "must not be 0 for the In operator")
                }
                if !seen.insert(code).inserted { errors.duplicate(value) }
                if index > 0, let before = values[index - 1].int, before > code {
                    errors.invalid(codes["values"], "must be ordered")
                    break
                }
            }
        }
        if conditions.json.items.count > 20 {
            errors.tooMany(conditions, count: conditions.json.items.count, max: 20)
        }
        for condition in conditions.items {
            errors.check(condition["type"], NameText.qualified(condition["type"].text))
            errors.oneOf(condition["status"], ["False", "True", "Unknown"], required: true)
        }
    }

    private static func jobTemplate(_ template: Field, _ errors: inout FieldErrors) {
        podTemplate(template, &errors)
        let policy = template["spec"]["restartPolicy"]
        switch policy.text {
        case "OnFailure", "Never": break
        case "Always": errors.required(policy, "valid values: \"OnFailure\", \"Never\"")
        default: errors.notSupported(policy, ["OnFailure", "Never"])
        }
    }

    static func cronJob(_ object: Field, _ errors: inout FieldErrors) {
        let spec = object["spec"]
        if spec["schedule"].text.isEmpty {
            errors.required(spec["schedule"])
        } else {
            do throws(CronSchedule.Mistake) {
                _ = try CronSchedule(parsing: spec["schedule"].text)
            } catch {
                errors.invalid(spec["schedule"], error.text)
            }
        }
        errors.nonNegative(spec["startingDeadlineSeconds"])
        if spec["timeZone"].isPresent { timeZone(spec["timeZone"], &errors) }
        errors.oneOf(spec["concurrencyPolicy"], ["Allow", "Forbid", "Replace"], required: true)
        let job = spec["jobTemplate"]["spec"]
        jobSpec(job, &errors)
        if job["selector"].isPresent { errors.invalid(job["selector"], "`selector` will be auto-generated") }
        if job["manualSelector"].bool { errors.notSupported(job["manualSelector"], ["nil", "false"]) }
        for key in ["successfulJobsHistoryLimit", "failedJobsHistoryLimit"] { errors.nonNegative(spec[key]) }
        if object["metadata"]["name"].text.utf8.count > 52 {
            errors.invalid(object["metadata"]["name"], "must be no more than 52 characters")
        }
    }

    private static func timeZone(_ zone: Field, _ errors: inout FieldErrors) {
        let text = zone.text
        if text.isEmpty {
            errors.invalid(zone, "timeZone must be nil or non-empty string")
        } else if text.lowercased() == "local" {
            errors.invalid(
                zone, "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones")
        } else if !TimeZoneNames.isKnown(text) {
            errors.invalid(zone, "unknown time zone \(text)")
        }
    }
}
