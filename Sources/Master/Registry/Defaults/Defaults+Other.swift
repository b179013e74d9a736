import Shared

/// The kinds beyond core, apps and batch.
extension Defaults {
    static func other(_ resource: Resource, _ object: inout JSON) {
        switch resource.groupResource.description {
        case "horizontalpodautoscalers.autoscaling": autoscaler(&object["spec"], version: resource.version)
        case "networkpolicies.networking.k8s.io": networkPolicy(&object["spec"])
        case "ingressclasses.networking.k8s.io":
            if !object["spec"]["parameters"].isNull { object["spec"]["parameters"].fill("scope", "Cluster") }
        case "endpointslices.discovery.k8s.io":
            each(&object, "ports") { port in
                if port["name"].isNull { port["name"] = "" }
                port.fill("protocol", "TCP")
            }
        case "storageclasses.storage.k8s.io":
            object.fill("reclaimPolicy", "Delete")
            object.fill("volumeBindingMode", "Immediate")
        case "csidrivers.storage.k8s.io": driver(&object["spec"])
        case "rolebindings.rbac.authorization.k8s.io", "clusterrolebindings.rbac.authorization.k8s.io": binding(&object)
        case "priorityclasses.scheduling.k8s.io": object.fill("preemptionPolicy", "PreemptLowerPriority")
        case "customresourcedefinitions.apiextensions.k8s.io": definition(&object)
        case "apiservices.apiregistration.k8s.io":
            if !object["spec"]["service"].isNull { object["spec"]["service"].fill("port", 443) }
        case "mutatingwebhookconfigurations.admissionregistration.k8s.io":
            each(&object, "webhooks") { webhook in
                Defaults.webhook(&webhook)
                webhook.fill("reinvocationPolicy", "Never")
            }
        case "validatingwebhookconfigurations.admissionregistration.k8s.io": each(&object, "webhooks", webhook)
        case "validatingadmissionpolicies.admissionregistration.k8s.io",
            "mutatingadmissionpolicies.admissionregistration.k8s.io":
            object["spec"].fill("failurePolicy", "Fail")
            if !object["spec"]["matchConstraints"].isNull { match(&object["spec"]["matchConstraints"]) }
        case "validatingadmissionpolicybindings.admissionregistration.k8s.io",
            "mutatingadmissionpolicybindings.admissionregistration.k8s.io":
            if !object["spec"]["matchResources"].isNull { match(&object["spec"]["matchResources"]) }
        default: break
        }
    }

    private static func autoscaler(_ spec: inout JSON, version: String) {
        spec.fill("minReplicas", 1)
        if version == "v1" {
            spec.fill("targetCPUUtilizationPercentage", 80)
            return
        }
        if spec["metrics"].items.isEmpty {
            spec["metrics"] = [
                [
                    "type": "Resource",
                    "resource": ["name": "cpu", "target": ["type": "Utilization", "averageUtilization": 80]],
                ]
            ]
        }
        guard !spec["behavior"].isNull else { return }
        let percent: JSON = ["type": "Percent", "value": 100, "periodSeconds": 15]
        let pods: JSON = ["type": "Pods", "value": 4, "periodSeconds": 15]
        spec["behavior"]["scaleUp"].fill("stabilizationWindowSeconds", 0)
        for (direction, policies) in [("scaleUp", [pods, percent]), ("scaleDown", [percent])] {
            spec["behavior"][direction].fill("selectPolicy", "Max")
            if spec["behavior"][direction]["policies"].isNull {
                spec["behavior"][direction]["policies"] = .array(policies)
            }
        }
    }

    private static func networkPolicy(_ spec: inout JSON) {
        if spec["policyTypes"].items.isEmpty {
            spec["policyTypes"] = spec["egress"].items.isEmpty ? ["Ingress"] : ["Ingress", "Egress"]
        }
        for direction in ["ingress", "egress"] {
            each(&spec, direction) { each(&$0, "ports") { $0.fill("protocol", "TCP") } }
        }
    }

    private static func driver(_ spec: inout JSON) {
        let flags: [(String, JSON)] = [
            ("attachRequired", true), ("podInfoOnMount", false), ("storageCapacity", false),
            ("requiresRepublish", false),
            ("seLinuxMount", false),
        ]
        for (key, value) in flags { spec.fill(key, value) }
        spec.fill("fsGroupPolicy", "ReadWriteOnceWithFSType")
        if spec["volumeLifecycleModes"].items.isEmpty { spec["volumeLifecycleModes"] = ["Persistent"] }
    }

    private static func binding(_ object: inout JSON) {
        let group: JSON = "rbac.authorization.k8s.io"
        object["roleRef"].fill("apiGroup", group)
        each(&object, "subjects") { subject in
            if subject["kind"] == "User" || subject["kind"] == "Group" { subject.fill("apiGroup", group) }
        }
    }

    private static func definition(_ object: inout JSON) {
        let kind = object["spec"]["names"]["kind"].string ?? ""
        object["spec"]["names"].fill("singular", .string(kind.lowercased()))
        if !kind.isEmpty { object["spec"]["names"].fill("listKind", .string(kind + "List")) }
        if object["spec"]["conversion"].isNull { object["spec"]["conversion"] = ["strategy": "None"] }
        if !object["spec"]["conversion"]["webhook"]["clientConfig"]["service"].isNull {
            object["spec"]["conversion"]["webhook"]["clientConfig"]["service"].fill("port", 443)
        }
    }

    private static func webhook(_ webhook: inout JSON) {
        webhook.fill("failurePolicy", "Fail")
        match(&webhook)
        webhook.fill("timeoutSeconds", 10)
        each(&webhook, "rules") { $0.fill("scope", "*") }
        if !webhook["clientConfig"]["service"].isNull { webhook["clientConfig"]["service"].fill("port", 443) }
    }
    private static func match(_ match: inout JSON) {
        match.fill("matchPolicy", "Equivalent")
        for key in ["namespaceSelector", "objectSelector"] where match[key].isNull { match[key] = [:] }
        for key in ["resourceRules", "excludeResourceRules"] { each(&match, key) { $0.fill("scope", "*") } }
    }
}
