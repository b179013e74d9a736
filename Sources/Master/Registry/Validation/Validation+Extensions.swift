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
            if policy.isPresent { errors.oneOf(policy, ["ReadWriteOnceWithFSType", "File", "None"]) }
        case "csinodes": drivers(object["spec"]["drivers"], &errors)
        case "subjectaccessreviews", "localsubjectaccessreviews", "selfsubjectaccessreviews":
            accessReview(object, resource, &errors)
        default: break
        }
    }

    private static func webhooks(_ webhooks: Field, _ errors: inout FieldErrors) {
        var names: Set<String> = []
        for webhook in webhooks.items {
            let name = webhook["name"]
            if name.text.isEmpty {
                errors.required(name)
            } else {
                let texts = NameText.subdomain(name.text)
                errors.check(name, texts)
                if texts.isEmpty, name.text.split(separator: ".").count < 3 {
                    errors.invalid(name, "should be a domain with at least three segments separated by dots")
                }
            }
            if !names.insert(name.text).inserted { errors.duplicate(name) }
            let versions = webhook["admissionReviewVersions"]
            if versions.json.items.isEmpty {
                errors.required(versions, "must specify one of v1, v1beta1")
            } else if !versions.json.items.contains(where: { $0 == "v1" || $0 == "v1beta1" }) {
                errors.invalid(versions, "must include at least one of v1, v1beta1")
            }
            errors.oneOf(webhook["sideEffects"], ["None", "NoneOnDryRun"], required: true)
            errors.oneOf(webhook["failurePolicy"], ["Fail", "Ignore"])
            errors.oneOf(webhook["matchPolicy"], ["Equivalent", "Exact"])
            if let seconds = webhook["timeoutSeconds"].int, !(1...30).contains(seconds) {
                errors.invalid(webhook["timeoutSeconds"], "the timeout value must be between 1 and 30 seconds")
            }
            for key in ["namespaceSelector", "objectSelector"] { selector(webhook[key], &errors) }
            rules(webhook["rules"], &errors)
            clientConfig(webhook["clientConfig"], &errors)
        }
    }

    private static func rules(_ rules: Field, _ errors: inout FieldErrors) {
        for rule in rules.items {
            for key in ["operations", "apiGroups", "apiVersions", "resources"] where rule[key].json.items.isEmpty {
                errors.required(rule[key])
            }
            for operation in rule["operations"].items {
                errors.oneOf(operation, ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"])
            }
        }
    }

    private static func clientConfig(_ config: Field, _ errors: inout FieldErrors) {
        let url = config["url"]
        let service = config["service"]
        if url.isPresent == service.isPresent {
            errors.required(config, "exactly one of url or service is required")
        } else if url.isPresent {
            if !url.text.hasPrefix("https://") { errors.invalid(url, "'https' is the only allowed URL scheme") }
            if url.text.contains("?") { errors.invalid(url, "query parameters are not permitted in the URL") }
            if url.text.contains("#") { errors.invalid(url, "fragments are not permitted in the URL") }
            if url.text.contains("@") { errors.invalid(url, "user information is not permitted in the URL") }
        } else {
            for (key, text) in [("name", "service name is required"), ("namespace", "service namespace is required")]
            where service[key].text.isEmpty {
                errors.required(service[key], text)
            }
            portNumber(service["port"], &errors)
        }
    }

    private static func definition(_ object: Field, _ errors: inout FieldErrors) {
        let spec = object["spec"]
        let names = spec["names"]
        let group = spec["group"]
        let name = "\(names["plural"].text).\(group.text)"
        if object["metadata"]["name"].text != name {
            errors.invalid(object["metadata"]["name"], "must be spec.names.plural+\".\"+spec.group")
        }
        if group.text.isEmpty {
            errors.required(group)
        } else {
            errors.check(group, NameText.subdomain(group.text))
            if !group.text.contains(".") { errors.invalid(group, "should be a domain with at least one dot") }
        }
        errors.oneOf(spec["scope"], ["Cluster", "Namespaced"], required: true)
        for key in ["plural", "singular"] {
            if names[key].text.isEmpty {
                errors.required(names[key])
            } else {
                errors.check(names[key], NameText.label1035(names[key].text))
            }
        }
        for key in ["kind", "listKind"] {
            if names[key].text.isEmpty {
                errors.required(names[key])
            } else {
                errors.check(names[key], NameText.label1035(names[key].text.lowercased()))
            }
        }
        for key in ["shortNames", "categories"] {
            for item in names[key].items { errors.check(item, NameText.label1035(item.text)) }
        }
        if spec["preserveUnknownFields"].bool { errors.invalid(spec["preserveUnknownFields"], "must be false") }
        errors.oneOf(spec["conversion"]["strategy"], ["None", "Webhook"])
        versions(spec["versions"], object["status"]["storedVersions"], &errors)
        customSchemas(object, &errors)
        let isProtected = ["k8s.io", "kubernetes.io"].contains { group.text == $0 || group.text.hasSuffix(".\($0)") }
        let approval = object["metadata"]["annotations"].entry("api-approved.kubernetes.io")
        if isProtected, approval.text.isEmpty {
            errors.required(approval, "protected groups must have approval annotation \"api-approved.kubernetes.io\"")
        }
    }

    private static func versions(_ versions: Field, _ stored: Field, _ errors: inout FieldErrors) {
        let list = versions.items
        if list.count(where: { $0["storage"].bool }) != 1 {
            errors.invalid(versions, "must have exactly one version marked as storage version")
        }
        if Set(list.map { $0["name"].text }).count != list.count {
            errors.invalid(versions, "must contain unique version names")
        }
        for version in list {
            errors.check(version["name"], NameText.label1035(version["name"].text))
            if version["schema"]["openAPIV3Schema"].isAbsent {
                errors.required(version["schema"]["openAPIV3Schema"], "schemas are required")
            }
            for column in version["additionalPrinterColumns"].items {
                if column["jsonPath"].text.isEmpty { errors.required(column["jsonPath"]) }
                let types = ["boolean", "date", "integer", "number", "string"]
                if !types.contains(column["type"].text) {
                    errors.invalid(column["type"], "must be one of \(types.joined(separator: ","))")
                }
            }
        }
    }

    private static func apiService(_ object: Field, _ errors: inout FieldErrors) {
        let spec = object["spec"]
        let name = "\(spec["version"].text).\(spec["group"].text)"
        if object["metadata"]["name"].text != name {
            errors.invalid(object["metadata"]["name"], "must be `spec.version+\".\"+spec.group`: \(name.goQuoted)")
        }
        if !(1...20_000).contains(spec["groupPriorityMinimum"].int ?? 0) {
            errors.invalid(spec["groupPriorityMinimum"], "must be positive and less than 20000")
        }
        if !(1...1000).contains(spec["versionPriority"].int ?? 0) {
            errors.invalid(spec["versionPriority"], "must be positive and less than 1000")
        }
        if spec["insecureSkipTLSVerify"].bool, !spec["caBundle"].text.isEmpty {
            errors.invalid(spec["insecureSkipTLSVerify"], "may not be true if caBundle is present")
        }
    }

    private static func drivers(_ drivers: Field, _ errors: inout FieldErrors) {
        var names: Set<String> = []
        for driver in drivers.items {
            errors.nonEmpty(driver["name"])
            if !names.insert(driver["name"].text).inserted { errors.duplicate(driver["name"]) }
            if driver["nodeID"].text.isEmpty {
                errors.required(driver["nodeID"])
            } else if driver["nodeID"].text.utf8.count > 256 {
                errors.invalid(driver["nodeID"], "must be 256 characters or less")
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
