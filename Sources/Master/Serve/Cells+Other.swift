import Shared

/// The kinds of all other groups.
extension Cells {
    func other(_ column: String, _ kind: String) -> JSON {
        switch kind {
        case "Event": event(column)
        case "Ingress": ingress(column)
        case "IngressClass": column == "Controller" ? text(spec["controller"]) : .string(parameters)
        case "NetworkPolicy": .string(selector(spec["podSelector"]))
        case "ServiceCIDR": .string(strings(spec["cidrs"]).joined(separator: ","))
        case "IPAddress": .string(parent)
        case "RoleBinding", "ClusterRoleBinding": binding(column)
        case "CertificateSigningRequest": signingRequest(column)
        case "Lease": text(spec["holderIdentity"])
        case "StorageClass": storageClass(column)
        case "VolumeAttributesClass": text(object["driverName"])
        case "VolumeAttachment": attachment(column)
        case "CSINode": JSON(spec["drivers"].items.count)
        case "CSIDriver": driver(column)
        case "CSIStorageCapacity":
            column == "Capacity" ? text(object["capacity"], or: "<unset>") : text(object["storageClassName"])
        case "PriorityClass": priority(column)
        case "RuntimeClass": text(object["handler"])
        case "EndpointSlice": slice(column)
        case "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration": JSON(object["webhooks"].items.count)
        case "ValidatingAdmissionPolicy", "MutatingAdmissionPolicy": policy(column)
        case "ValidatingAdmissionPolicyBinding", "MutatingAdmissionPolicyBinding": policyBinding(column)
        case "APIService": service(column)
        case "NodeMetrics":
            column == "Window" ? text(object["window"]) : text(object["usage"][column])
        default: .null
        }
    }

    private func ingress(_ column: String) -> JSON {
        switch column {
        case "Class": return text(spec["ingressClassName"], or: "<none>")
        case "Hosts":
            let rules = spec["rules"].items
            var hosts: [String] = []
            for rule in rules {
                if hosts.count == 3 { return .string(hosts.joined(separator: ",") + " + \(rules.count - 3) more...") }
                if let host = rule["host"].string, !host.isEmpty { hosts.append(host) }
            }
            return .string(hosts.isEmpty ? "*" : hosts.joined(separator: ","))
        case "Address": return .string(balancer(status["loadBalancer"]).joined(separator: ","))
        default: return spec["tls"].items.isEmpty ? "80" : "80, 443"
        }
    }
    private var parameters: String {
        let parameters = spec["parameters"]
        if parameters.isNull { return "<none>" }
        let group = parameters["apiGroup"].string ?? ""
        return
            "\(parameters["kind"].string ?? "")\(group.isEmpty ? "" : ".\(group)")/\(parameters["name"].string ?? "")"
    }
    private var parent: String {
        let parent = spec["parentRef"]
        if parent.isNull { return "<none>" }
        let group = parent["group"].string ?? ""
        let namespace = parent["namespace"].string ?? ""
        return "\(parent["resource"].string ?? "")\(group.isEmpty ? "" : ".\(group)")/"
            + "\(namespace.isEmpty ? "" : "\(namespace)/")\(parent["name"].string ?? "")"
    }

    private func binding(_ column: String) -> JSON {
        let subjects = object["subjects"].items
        func names(_ kind: String) -> JSON {
            let list = subjects.filter { $0["kind"].string == kind }.map { subject in
                let name = subject["name"].string ?? ""
                return kind == "ServiceAccount" ? "\(subject["namespace"].string ?? "")/\(name)" : name
            }
            return .string(list.joined(separator: ", "))
        }
        switch column {
        case "Role":
            let role = object["roleRef"]
            return .string("\(role["kind"].string ?? "")/\(role["name"].string ?? "")")
        case "Users": return names("User")
        case "Groups": return names("Group")
        default: return names("ServiceAccount")
        }
    }

    private func signingRequest(_ column: String) -> JSON {
        switch column {
        case "SignerName": return text(spec["signerName"], or: "<none>")
        case "Requestor": return text(spec["username"])
        case "RequestedDuration":
            guard let seconds = spec["expirationSeconds"].int else { return "<none>" }
            return .string(Duration.seconds(Int64(seconds)).human)
        default:
            let types = status["conditions"].items.compactMap(\.["type"].string)
            var word = types.contains("Denied") ? "Denied" : types.contains("Approved") ? "Approved" : "Pending"
            if types.contains("Failed") { word += ",Failed" }
            if !(status["certificate"].string ?? "").isEmpty { word += ",Issued" }
            return .string(word)
        }
    }

    private func storageClass(_ column: String) -> JSON {
        switch column {
        case "Provisioner": text(object["provisioner"])
        case "ReclaimPolicy": text(object["reclaimPolicy"], or: "Delete")
        case "VolumeBindingMode": text(object["volumeBindingMode"], or: "Immediate")
        default: flag(object["allowVolumeExpansion"])
        }
    }
    private func attachment(_ column: String) -> JSON {
        switch column {
        case "Attacher": text(spec["attacher"])
        case "PV": text(spec["source"]["persistentVolumeName"])
        case "Node": text(spec["nodeName"])
        default: flag(status["attached"])
        }
    }
    private func driver(_ column: String) -> JSON {
        switch column {
        case "AttachRequired": return flag(spec["attachRequired"], or: true)
        case "PodInfoOnMount": return flag(spec["podInfoOnMount"])
        case "StorageCapacity": return flag(spec["storageCapacity"])
        case "RequiresRepublish": return flag(spec["requiresRepublish"])
        case "TokenRequests":
            let audiences = spec["tokenRequests"].items.map { $0["audience"].string ?? "" }
            return .string(audiences.isEmpty ? "<unset>" : audiences.joined(separator: ","))
        default:
            let modes = strings(spec["volumeLifecycleModes"])
            return .string(modes.isEmpty ? "<none>" : modes.joined(separator: ","))
        }
    }
    private func priority(_ column: String) -> JSON {
        switch column {
        case "Value": number(object["value"])
        case "Global-Default": flag(object["globalDefault"])
        default: text(object["preemptionPolicy"])
        }
    }

    private func slice(_ column: String) -> JSON {
        switch column {
        case "AddressType": return text(object["addressType"])
        case "Ports":
            let ports = object["ports"].items.map { port in
                if let number = port["port"].int { return String(number) }
                let name = port["name"].string ?? ""
                return name.isEmpty ? "*" : name
            }
            return .string(firstThree(ports, or: "<unset>"))
        default:
            return .string(firstThree(object["endpoints"].items.flatMap { strings($0["addresses"]) }, or: "<unset>"))
        }
    }

    private func policy(_ column: String) -> JSON {
        if column == "Validations" || column == "Mutations" { return JSON(spec[column.lowercased()].items.count) }
        let kind = spec["paramKind"]
        return kind.isNull ? "<unset>" : .string("\(kind["apiVersion"].string ?? "")/\(kind["kind"].string ?? "")")
    }
    private func policyBinding(_ column: String) -> JSON {
        if column == "PolicyName" { return text(spec["policyName"]) }
        let reference = spec["paramRef"]
        if reference.isNull { return "<unset>" }
        let namespace = reference["namespace"].string ?? ""
        let name = reference["name"].string ?? ""
        return .string(
            name.isEmpty ? selector(reference["selector"]) : "\(namespace.isEmpty ? "*" : namespace)/\(name)")
    }
    private func service(_ column: String) -> JSON {
        if column == "Service" {
            let service = spec["service"]
            if service.isNull { return "Local" }
            return .string("\(service["namespace"].string ?? "")/\(service["name"].string ?? "")")
        }
        let available = condition("Available")
        if available.isNull { return "Unknown" }
        let status = available["status"].string ?? ""
        return .string(status == "True" ? status : "\(status) (\(available["reason"].string ?? ""))")
    }
}
