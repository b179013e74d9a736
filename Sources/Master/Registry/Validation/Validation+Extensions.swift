import Shared

/// Webhooks, definitions of custom resources, API services, drivers and reviews.
extension Validation {
    static func extensions(_ object: Field, _ resource: Resource, _ errors: inout FieldErrors) {
        switch resource.plural {
        case "mutatingwebhookconfigurations", "validatingwebhookconfigurations": webhooks(object["webhooks"], &errors)
        case "customresourcedefinitions": definition(object, &errors)
        case "apiservices": apiService(object, &errors)
        case "csidrivers":
            let policy = object["spec"]["fsGroupPolicy"]
            if policy.isPresent {
                // Told twice, as by a real server.
                for _ in 1...2 { errors.oneOf(policy, ["File", "None", "ReadWriteOnceWithFSType"]) }
            }
            for mode in object["spec"]["volumeLifecycleModes"].items {
                errors.oneOf(mode, ["Ephemeral", "Persistent"])
            }
            driverName(object["metadata"]["name"], &errors)
        case "csistoragecapacities":
            if object["nodeTopology"].isPresent { selector(object["nodeTopology"], &errors) }
            errors.check(
                object["storageClassName"].with(.string(object["storageClassName"].text)),
                NameText.subdomain(object["storageClassName"].text))
            for key in ["capacity", "maximumVolumeSize"] where object[key].quantity?.isNegative == true {
                errors.invalid(object[key], "must be greater than or equal to 0")
            }
        case "csinodes":
            // Checked twice by a real server, which tells everything twice.
            for _ in 1...2 { drivers(object["spec"]["drivers"], &errors) }
        case "subjectaccessreviews", "localsubjectaccessreviews", "selfsubjectaccessreviews":
            accessReview(object, resource, &errors)
        case "validatingadmissionpolicies", "mutatingadmissionpolicies": policy(object, &errors)
        default: break
        }
    }

    /// Expressions are not evaluated here; a policy that would never be enforced is not taken.
    private static func policy(_ object: Field, _ errors: inout FieldErrors) {
        errors.forbidden(
            object["spec"],
            "this server evaluates no admission policies, and one that is stored would be ignored: use a "
                + "ValidatingWebhookConfiguration or MutatingWebhookConfiguration instead")
    }

    private static func webhooks(_ webhooks: Field, _ errors: inout FieldErrors) {
        var names: Set<String> = []
        for webhook in webhooks.items {
            self.webhook(webhook, &errors)
            reviewVersions(webhook["admissionReviewVersions"], absent: "must specify one of v1, v1beta1", &errors)
            let name = webhook["name"]
            if !name.text.isEmpty, !names.insert(name.text).inserted { errors.duplicate(name) }
        }
    }

    /// Source: `validateMutatingWebhook`, `validateValidatingWebhook`.
    private static func webhook(_ webhook: Field, _ errors: inout FieldErrors) {
        fullyQualified(webhook["name"], &errors)
        for rule in webhook["rules"].items { self.rule(rule, &errors) }
        errors.oneOf(webhook["failurePolicy"], ["Fail", "Ignore"])
        errors.oneOf(webhook["matchPolicy"], ["Equivalent", "Exact"])
        let effects = webhook["sideEffects"]
        if effects.text.isEmpty {
            errors.required(effects, "must specify one of None, NoneOnDryRun")
        } else {
            errors.oneOf(effects, ["None", "NoneOnDryRun"])
        }
        if let seconds = webhook["timeoutSeconds"].int, !(1...30).contains(seconds) {
            errors.invalid(webhook["timeoutSeconds"], "the timeout value must be between 1 and 30 seconds")
        }
        for key in ["namespaceSelector", "objectSelector"] { selector(webhook[key], &errors) }
        if webhook["reinvocationPolicy"].isPresent {
            errors.oneOf(webhook["reinvocationPolicy"], ["IfNeeded", "Never"])
        }
        clientConfig(webhook["clientConfig"], &errors)
        if !webhook["matchConditions"].json.items.isEmpty {
            errors.forbidden(
                webhook["matchConditions"],
                "this server evaluates no match conditions, and the webhook would be asked too often: use rules and "
                    + "selectors instead")
        }
    }

    /// Source: `IsFullyQualifiedName`.
    private static func fullyQualified(_ name: Field, _ errors: inout FieldErrors) {
        let texts = NameText.subdomain(name.text)
        if name.text.isEmpty {
            errors.required(name)
        } else if !texts.isEmpty {
            errors.invalid(name, texts.joined(separator: ","))
        } else if name.text.split(separator: ".").count < 3 {
            errors.invalid(name, "should be a domain with at least three segments separated by dots")
        }
    }

    /// The forms in which a webhook can be asked. Source: `validateAdmissionReviewVersions`.
    static func reviewVersions(_ versions: Field, absent: String, _ errors: inout FieldErrors) {
        guard !versions.json.items.isEmpty else { return errors.required(versions, absent) }
        var seen: Set<String> = []
        for version in versions.items {
            if seen.insert(version.text).inserted {
                errors.check(version, NameText.label1035(version.text))
            } else {
                errors.invalid(version, "duplicate version")
            }
        }
        if seen.isDisjoint(with: ["v1", "v1beta1"]) {
            errors.invalid(versions, shown: GoText.strings(versions.json), "must include at least one of v1, v1beta1")
        }
    }

    /// Source: `validateRuleWithOperations`.
    private static func rule(_ rule: Field, _ errors: inout FieldErrors) {
        func list(_ key: String, _ noun: String) {
            if rule[key].json.items.isEmpty { errors.required(rule[key]) }
            if rule[key].json.items.count > 1, rule[key].json.items.contains("*") {
                errors.invalid(rule[key], "if '*' is present, must not specify other \(noun)")
            }
        }
        list("operations", "operations")
        for operation in rule["operations"].items {
            errors.oneOf(operation, ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"])
        }
        list("apiGroups", "API groups")
        list("apiVersions", "API versions")
        for version in rule["apiVersions"].items { errors.nonEmpty(version) }
        ruleResources(rule["resources"], &errors)
        if rule["scope"].isPresent { errors.oneOf(rule["scope"], ["*", "Cluster", "Namespaced"]) }
    }

    /// Source: `validateResources`.
    private static func ruleResources(_ resources: Field, _ errors: inout FieldErrors) {
        let names = resources.json.items.map { $0.string ?? "" }
        if names.isEmpty { errors.required(resources) }
        var whole: Set<Substring> = []
        var everywhere: Set<Substring> = []
        for resource in resources.items {
            errors.nonEmpty(resource)
            let parts = resource.text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { continue }
            if whole.contains(parts[0]) {
                errors.invalid(resource, "if '\(parts[0])/*' is present, must not specify \(resource.text)")
            }
            if everywhere.contains(parts[1]) {
                errors.invalid(resource, "if '*/\(parts[1])' is present, must not specify \(resource.text)")
            }
            if parts[1] == "*" { whole.insert(parts[0]) }
            if parts[0] == "*" { everywhere.insert(parts[1]) }
        }
        if names.count > 1, names.contains("*/*") {
            errors.invalid(resources, "if '*/*' is present, must not specify other resources")
        }
        if names.contains("*"), let last = names.last(where: { !$0.contains("/") }), last != "*" {
            errors.invalid(
                resources, "if '*' is present, must not specify other resources without subresources")
        }
    }

    static func clientConfig(_ config: Field, _ errors: inout FieldErrors) {
        let (url, service) = (config["url"], config["service"])
        if url.isPresent == service.isPresent {
            errors.required(config, "exactly one of url or service is required")
        } else if url.isPresent {
            webhookAddress(url, &errors)
        } else {
            webhookService(service, &errors)
        }
    }

    /// Source: `ValidateWebhookURL`.
    private static func webhookAddress(_ url: Field, _ errors: inout FieldErrors) {
        let form = "; desired format: https://host[/path]"
        let whole = url.text.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
        let parts = (whole.first ?? "").split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let start = parts.first ?? ""
        if start.hasPrefix(":") {
            return errors.required(
                url, "url must be a valid URL: parse \(url.text.goQuoted): missing protocol scheme\(form)")
        }
        let scheme = start.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || "+-.".contains($0)) }
        let hasScheme = start.dropFirst(scheme.count).hasPrefix(":")
        let rest = hasScheme ? start.dropFirst(scheme.count + 1) : start
        let place = rest.hasPrefix("//") ? rest.dropFirst(2).prefix { $0 != "/" } : ""
        let host = place.split(separator: "@", omittingEmptySubsequences: false).last ?? ""
        if !hasScheme || scheme.lowercased() != "https" {
            errors.invalid(
                url.with(.string(hasScheme ? scheme.lowercased() : "")),
                "'https' is the only allowed URL scheme\(form)")
        }
        if host.isEmpty { errors.invalid(url.with(""), "host must be specified\(form)") }
        if let at = place.lastIndex(of: "@") {
            errors.invalid(url.with(.string(String(place[..<at]))), "user information is not permitted in the URL")
        }
        if whole.count > 1, !whole[1].isEmpty {
            errors.invalid(url.with(.string(String(whole[1]))), "fragments are not permitted in the URL")
        }
        if parts.count > 1, !parts[1].isEmpty {
            errors.invalid(url.with(.string(String(parts[1]))), "query parameters are not permitted in the URL")
        }
    }

    /// Source: `ValidateWebhookService`.
    private static func webhookService(_ service: Field, _ errors: inout FieldErrors) {
        errors.nonEmpty(service["name"], "service name is required")
        errors.nonEmpty(service["namespace"], "service namespace is required")
        if !(1...65_535).contains(service["port"].int ?? 0) {
            errors.invalid(service["port"], "port is not valid: must be between 1 and 65535, inclusive")
        }
        let path = service["path"]
        guard !path.text.isEmpty, path.text != "/" else { return }
        if path.text == "//" { return errors.invalid(path, "segment[0] may not be empty") }
        if !path.text.hasPrefix("/") { errors.invalid(path, "must start with a '/'") }
        var rest = path.text.dropFirst()
        if rest.hasSuffix("/") { rest = rest.dropLast() }
        for (index, step) in rest.split(separator: "/", omittingEmptySubsequences: false).enumerated() {
            if step.isEmpty {
                errors.invalid(path, "segment[\(index)] may not be empty")
            } else {
                errors.check(path, NameText.subdomain(String(step)).map { "segment[\(index)]: \($0)" })
            }
        }
    }

    private static func apiService(_ object: Field, _ errors: inout FieldErrors) {
        let spec = object["spec"]
        let name = "\(spec["version"].text).\(spec["group"].text)"
        if object["metadata"]["name"].text != name {
            errors.invalid(object["metadata"]["name"], "must be `spec.version+\".\"+spec.group`: \(name.goQuoted)")
        }
        if spec["group"].text.isEmpty {
            if spec["version"].text != "v1" {
                errors.required(spec["group"], "only v1 may have an empty group and it better be legacy kube")
            }
        } else {
            errors.check(spec["group"], NameText.subdomain(spec["group"].text))
        }
        errors.check(spec["version"].with(.string(spec["version"].text)), NameText.label1035(spec["version"].text))
        for (key, most) in [("groupPriorityMinimum", 20_000), ("versionPriority", 1000)] {
            let number = spec[key].int ?? 0
            if !(1...most).contains(number) {
                errors.invalid(spec[key].with(JSON(number)), "must be positive and less than \(most)")
            }
        }
        let bundle = spec["caBundle"].text
        let service = spec["service"]
        let skips = spec["insecureSkipTLSVerify"]
        guard service.isPresent else {
            if !bundle.isEmpty {
                let count = Base64.decode(bundle)?.count ?? 0
                errors.invalid(
                    spec["caBundle"].with(.string("\(count) bytes")), "local APIServices may not have a caBundle")
            }
            if skips.bool { errors.invalid(skips, "local APIServices may not have insecureSkipTLSVerify") }
            return
        }
        for key in ["namespace", "name"] where service[key].text.isEmpty { errors.required(service[key]) }
        if let port = service["port"].int, !(1...65_535).contains(port) {
            errors.invalid(service["port"], "port is not valid: must be between 1 and 65535, inclusive")
        }
        if skips.bool, !bundle.isEmpty { errors.invalid(skips, "may not be true if caBundle is present") }
    }

    private static func drivers(_ drivers: Field, _ errors: inout FieldErrors) {
        var names: Set<String> = []
        for driver in drivers.items {
            driverName(driver["name"], &errors)
            if !names.insert(driver["name"].text).inserted { errors.duplicate(driver["name"]) }
            if driver["nodeID"].text.isEmpty {
                errors.required(driver["nodeID"])
            } else if driver["nodeID"].text.utf8.count > 256 {
                errors.invalid(driver["nodeID"], "must be 256 characters or less")
            }
            errors.nonNegative(driver["allocatable"]["count"])
            var keys: Set<String> = []
            for key in driver["topologyKeys"].items {
                if key.text.isEmpty { errors.required(driver["topologyKeys"]) }
                if !keys.insert(key.text).inserted { errors.duplicate(driver["topologyKeys"].with(key.json)) }
                errors.check(driver["topologyKeys"].with(key.json), NameText.qualified(key.text))
            }
        }
    }

    private static func accessReview(_ object: Field, _ resource: Resource, _ errors: inout FieldErrors) {
        let spec = object["spec"]
        let isLocal = resource.plural == "localsubjectaccessreviews"
        let attributes = spec["resourceAttributes"]
        let other = spec["nonResourceAttributes"]
        if isLocal, other.isPresent {
            errors.invalid(other, "disallowed on this kind of request")
        } else if attributes.isPresent == other.isPresent {
            errors.invalid(
                attributes.isPresent ? other : attributes,
                attributes.isPresent
                    ? "cannot be specified in combination with resourceAttributes"
                    : "exactly one of nonResourceAttributes or resourceAttributes must be specified")
        }
        if resource.plural != "selfsubjectaccessreviews", spec["user"].text.isEmpty, spec["groups"].json.items.isEmpty {
            errors.invalid(spec["user"].with(""), "at least one of user or group must be specified")
        }
        if !isLocal, !object["metadata"]["name"].text.isEmpty {
            errors.invalid(object["metadata"], "must be empty except for managedFields")
        }
    }
}
