import Shared

/// apps and batch. Source: `pkg/apis/apps/validation`, `pkg/apis/batch/validation`.
extension Validation {
    /// Selector and template of a workload whose pods always restart.
    private static func workload(_ spec: Field, named kind: String, _ errors: inout FieldErrors) {
        let selectorField = spec["selector"]
        if selectorField.isAbsent {
            errors.required(selectorField)
            errors.invalid(
                spec["template"]["metadata"]["labels"].with(
                    .object(spec["template"]["metadata"]["labels"].json.members)),
                "`selector` does not match template `labels`")
        } else {
            let before = errors.count
            selector(selectorField, &errors)
            if errors.count > before {
                errors.invalid(selectorField, "invalid label selector")
            } else if selectorField["matchLabels"].json.members.isEmpty,
                selectorField["matchExpressions"].json.items.isEmpty
            {
                errors.invalid(selectorField, "empty selector is invalid for \(kind)")
            } else if let parsed = LabelSelector(selectorField.json),
                !parsed.matches(spec["template"]["metadata"]["labels"].json.strings)
            {
                errors.invalid(
                    spec["template"]["metadata"]["labels"].with(
                        .object(spec["template"]["metadata"]["labels"].json.members)),
                    "`selector` does not match template `labels`")
            }
        }
        alwaysRestarting(spec["template"], kind, &errors)
    }

    private static func alwaysRestarting(_ template: Field, _ kind: String, _ errors: inout FieldErrors) {
        // The pods of a StatefulSet have volumes that the template does not name: they are checked when they are made.
        if kind == "statefulset" {
            labels(template["labels"].with(template["metadata"]["labels"].json), &errors)
            annotations(template["annotations"].with(template["metadata"]["annotations"].json), &errors)
        } else {
            podTemplate(template, &errors)
        }
        let policy = template["spec"]["restartPolicy"]
        if policy.text != "Always", ["OnFailure", "Never"].contains(policy.text) {
            errors.notSupported(policy, ["Always"])
        }
        if template["spec"]["activeDeadlineSeconds"].isPresent {
            errors.forbidden(
                template["spec"]["activeDeadlineSeconds"], "activeDeadlineSeconds in ReplicaSet is not Supported")
        }
    }

    static func deployment(_ spec: Field, _ errors: inout FieldErrors) {
        errors.nonNegative(spec["replicas"])
        workload(spec, named: "deployment", &errors)
        let strategy = spec["strategy"]
        switch strategy["type"].text {
        case "Recreate":
            if strategy["rollingUpdate"].isPresent {
                errors.forbidden(
                    strategy["rollingUpdate"], "may not be specified when strategy `type` is 'Recreate'")
            }
        case "RollingUpdate":
            if strategy["rollingUpdate"].isAbsent {
                errors.required(strategy["rollingUpdate"], "this should be defaulted and never be nil")
            } else {
                rollingUpdate(strategy["rollingUpdate"], &errors)
            }
        default: errors.notSupported(strategy, ["Recreate", "RollingUpdate"])
        }
        for key in ["minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"] {
            errors.nonNegative(spec[key])
        }
        if let deadline = spec["progressDeadlineSeconds"].int, deadline <= spec["minReadySeconds"].int ?? 0 {
            errors.invalid(spec["progressDeadlineSeconds"], "must be greater than minReadySeconds")
        }
    }

    private static func rollingUpdate(_ update: Field, _ errors: inout FieldErrors) {
        countOrPercent(update["maxUnavailable"], &errors)
        countOrPercent(update["maxSurge"], &errors)
        if isZero(update["maxUnavailable"]), isZero(update["maxSurge"]) {
            errors.invalid(update["maxUnavailable"], "may not be 0 when `maxSurge` is 0")
        }
        atMostAll(update["maxUnavailable"], &errors)
    }
    private static func isZero(_ field: Field) -> Bool { field.int == 0 || field.text == "0%" || field.isAbsent }
    private static func percent(_ field: Field) -> Int? {
        guard field.text.hasSuffix("%") else { return nil }
        let digits = field.text.dropLast()
        return digits.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int(digits) : nil
    }
    static func countOrPercent(_ field: Field, _ errors: inout FieldErrors) {
        switch field.json {
        case .string where percent(field) == nil:
            errors.invalid(
                field,
                "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex "
                    + "used for validation is '[0-9]+%')")
        case .int: errors.nonNegative(field)
        default: break
        }
    }
    static func atMostAll(_ field: Field, _ errors: inout FieldErrors) {
        if let share = percent(field), share > 100 { errors.invalid(field, "must not be greater than 100%") }
    }

    static func replicaSet(_ spec: Field, _ errors: inout FieldErrors) {
        errors.nonNegative(spec["replicas"])
        errors.nonNegative(spec["minReadySeconds"])
        workload(spec, named: "ReplicaSet", &errors)
    }

    static func replicationController(_ spec: Field, _ errors: inout FieldErrors) {
        errors.nonNegative(spec["minReadySeconds"])
        let wanted = spec["selector"].json.strings
        if wanted.isEmpty { errors.required(spec["selector"]) }
        errors.nonNegative(spec["replicas"])
        if spec["template"].isAbsent {
            errors.required(spec["template"])
            return
        }
        let labels = spec["template"]["metadata"]["labels"]
        if !wanted.isEmpty, !wanted.allSatisfy({ labels.json[$0.key].string == $0.value }) {
            errors.invalid(labels, "`selector` does not match template `labels`")
        }
        alwaysRestarting(spec["template"], "ReplicationController", &errors)
    }

    static func daemonSet(_ spec: Field, _ errors: inout FieldErrors) {
        workload(spec, named: "daemonset", &errors)
        for key in ["minReadySeconds", "revisionHistoryLimit"] { errors.nonNegative(spec[key]) }
        let strategy = spec["updateStrategy"]
        switch strategy["type"].text {
        case "OnDelete": break
        case "RollingUpdate":
            let update = strategy["rollingUpdate"]
            countOrPercent(update["maxUnavailable"], &errors)
            countOrPercent(update["maxSurge"], &errors)
            atMostAll(update["maxUnavailable"], &errors)
            if isZero(update["maxUnavailable"]), isZero(update["maxSurge"]) {
                errors.invalid(update["maxUnavailable"], "cannot be 0 when maxSurge is 0")
            }
        default: errors.notSupported(strategy["type"], ["RollingUpdate", "OnDelete"])
        }
    }

    static func statefulSet(_ object: Field, _ errors: inout FieldErrors) {
        let spec = object["spec"]
        switch spec["podManagementPolicy"].text {
        case "": errors.required(spec["podManagementPolicy"])
        case "OrderedReady", "Parallel": break
        default:
            errors.invalid(spec["podManagementPolicy"], "must be 'OrderedReady' or 'Parallel'")
        }
        let strategy = spec["updateStrategy"]
        switch strategy["type"].text {
        case "": errors.required(strategy)
        case "OnDelete":
            if strategy["rollingUpdate"].isPresent {
                errors.invalid(
                    strategy["rollingUpdate"], "only allowed for updateStrategy 'RollingUpdate'")
            }
        case "RollingUpdate": errors.nonNegative(strategy["rollingUpdate"]["partition"])
        default: errors.invalid(strategy, "must be 'RollingUpdate' or 'OnDelete'")
        }
        errors.nonNegative(spec["replicas"])
        errors.nonNegative(spec["minReadySeconds"])
        workload(spec, named: "statefulset", &errors)
    }

    static func job(_ object: Field, _ errors: inout FieldErrors) {
        let spec = object["spec"]
        jobCounts(spec, &errors)
        let isManual = spec["manualSelector"].bool
        if isManual, spec["selector"].isAbsent { errors.required(spec["selector"]) }
        if spec["selector"].isPresent {
            selector(spec["selector"], &errors)
            if let parsed = LabelSelector(spec["selector"].json),
                !parsed.matches(spec["template"]["metadata"]["labels"].json.strings)
            {
                errors.invalid(spec["template"]["metadata"]["labels"], "`selector` does not match template `labels`")
            }
            let uid = object["metadata"]["uid"].text
            let chosen = spec["selector"]["matchLabels"].json.strings.values
            if !isManual, !chosen.contains(uid) || uid.isEmpty {
                errors.invalid(spec["selector"], "`selector` not auto-generated")
            }
        }
        jobTemplate(spec["template"], &errors)
    }

    private static func jobCounts(_ spec: Field, _ errors: inout FieldErrors) {
        for key in [
            "parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished",
            "backoffLimitPerIndex", "maxFailedIndexes",
        ] {
            errors.nonNegative(spec[key])
        }
        if !spec["completionMode"].text.isEmpty {
            errors.oneOf(spec["completionMode"], ["Indexed", "NonIndexed"])
            if spec["completionMode"].text == "Indexed", spec["completions"].isAbsent {
                errors.required(spec["completions"], "when completion mode is Indexed")
            }
        }
        let rules = spec["podFailurePolicy"]["rules"].items
        if rules.count > 20 { errors.tooMany(spec["podFailurePolicy"]["rules"], count: rules.count, max: 20) }
        for rule in rules {
            errors.oneOf(rule["action"], ["Count", "FailIndex", "FailJob", "Ignore"], required: true)
        }
    }
    private static func jobTemplate(_ template: Field, _ errors: inout FieldErrors) {
        podTemplate(template, &errors)
        let policy = template["spec"]["restartPolicy"]
        if policy.text == "Always" {
            errors.notSupported(policy, ["OnFailure", "Never"])
        }
    }

    static func cronJob(_ object: Field, _ errors: inout FieldErrors) {
        let spec = object["spec"]
        if spec["schedule"].text.isEmpty {
            errors.required(spec["schedule"])
        } else if let problem = CronText.problem(in: spec["schedule"].text) {
            errors.invalid(spec["schedule"], problem)
        }
        for key in ["startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"] {
            errors.nonNegative(spec[key])
        }
        errors.oneOf(spec["concurrencyPolicy"], ["Allow", "Forbid", "Replace"], required: true)
        if let zone = spec["timeZone"].json.string, zone.isEmpty || zone.lowercased() == "local" {
            errors.invalid(
                spec["timeZone"],
                zone.isEmpty
                    ? "timeZone must be nil or non-empty string"
                    : "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones")
        }
        let job = spec["jobTemplate"]["spec"]
        jobCounts(job, &errors)
        if job["selector"].isPresent { errors.invalid(job["selector"], "`selector` will be auto-generated") }
        if job["manualSelector"].bool { errors.notSupported(job["manualSelector"], ["nil", "false"]) }
        jobTemplate(job["template"], &errors)
        if object["metadata"]["name"].text.utf8.count > 52 {
            errors.invalid(object["metadata"]["name"], "must be no more than 52 characters")
        }
    }
}

/// The five fields of a cron schedule, or a macro. Source: `man 5 crontab`, robfig/cron's standard parser.
enum CronText {
    private static let macros: Set<String> = [
        "@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly",
    ]
    private static let fields: [(range: ClosedRange<Int>, names: [String])] = [
        (0...59, []), (0...23, []), (1...31, []),
        (1...12, ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]),
        (0...6, ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]),
    ]

    /// What is wrong with a schedule; nil when nothing is.
    static func problem(in text: String) -> String? {
        if text.hasPrefix("TZ=") || text.hasPrefix("CRON_TZ=") {
            return "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
        }
        if text.hasPrefix("@every ") {
            return Duration(parsing: text.dropFirst(7)) == nil ? "failed to parse duration \(text)" : nil
        }
        if text.hasPrefix("@") { return macros.contains(text) ? nil : "unrecognized descriptor: \(text)" }
        let parts = text.split(whereSeparator: \.isWhitespace)
        guard parts.count == 5 else { return "expected exactly 5 fields, found \(parts.count): \(text)" }
        for (part, field) in zip(parts, fields) {
            for term in part.split(separator: ",", omittingEmptySubsequences: false) {
                if let problem = problem(term, field.range, field.names) { return problem }
            }
        }
        return nil
    }

    private static func problem(_ term: Substring, _ range: ClosedRange<Int>, _ names: [String]) -> String? {
        let steps = term.split(separator: "/", omittingEmptySubsequences: false)
        guard steps.count <= 2, let first = steps.first else { return "too many slashes: \(term)" }
        if steps.count == 2, (Int(steps[1]) ?? 0) <= 0 { return "step of range should be a positive number: \(term)" }
        if first == "*" || first == "?" { return nil }
        let ends = first.split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count <= 2 else { return "too many hyphens: \(term)" }
        var numbers: [Int] = []
        for end in ends {
            if let index = names.firstIndex(of: end.lowercased()) {
                numbers.append(index + range.lowerBound)
            } else if let number = Int(end), number >= 0 {
                numbers.append(number)
            } else {
                return "failed to parse int from \(end): strconv.Atoi: parsing \(String(end).goQuoted): invalid syntax"
            }
        }
        for number in numbers {
            if number < range.lowerBound {
                return "beginning of range (\(number)) below minimum (\(range.lowerBound)): \(term)"
            }
            if number > range.upperBound {
                return "end of range (\(number)) above maximum (\(range.upperBound)): \(term)"
            }
        }
        if numbers.count == 2, numbers[0] > numbers[1] {
            return "beginning of range (\(numbers[0])) beyond end of range (\(numbers[1])): \(term)"
        }
        return nil
    }
}
