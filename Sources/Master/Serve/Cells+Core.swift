import Shared

/// The kinds of the core group.
extension Cells {
    func core(_ column: String, _ kind: String) -> JSON {
        switch kind {
        case "Pod": PodSummary(object).cell(column, age: age)
        case "PodTemplate": template(column, object["template"])
        case "ReplicationController": replicas(column, selector: labels(spec["selector"]))
        case "Service": service(column)
        case "Endpoints": .string(endpoints)
        case "Node": node(column)
        case "Event": event(column)
        case "Namespace": text(status["phase"])
        case "Secret": column == "Type" ? text(object["type"]) : JSON(object["data"].members.count)
        case "ServiceAccount": JSON(object["secrets"].items.count)
        case "ConfigMap": JSON(object["data"].members.count + object["binaryData"].members.count)
        case "PersistentVolume": volume(column)
        case "PersistentVolumeClaim": claim(column)
        case "ResourceQuota": quota(column)
        case "ComponentStatus": component(column)
        default: .null
        }
    }

    func template(_ column: String, _ template: JSON) -> JSON {
        switch column {
        case "Containers": containers(template, "name")
        case "Images": containers(template, "image")
        case "Pod Labels": .string(labels(template["metadata"]["labels"]))
        case "Node Selector": .string(labels(template["spec"]["nodeSelector"]))
        default: .null
        }
    }

    func replicas(_ column: String, selector: String) -> JSON {
        switch column {
        case "Desired": number(spec["replicas"])
        case "Current": number(status["replicas"])
        case "Ready": number(status["readyReplicas"])
        case "Selector": .string(selector)
        default: template(column, spec["template"])
        }
    }

    private func service(_ column: String) -> JSON {
        switch column {
        case "Type": return text(spec["type"])
        case "Cluster-IP":
            let first = spec["clusterIPs"][0]
            return text(first.isNull ? spec["clusterIP"] : first, or: "<none>")
        case "External-IP": return .string(externalAddress)
        case "Port(s)":
            let ports = spec["ports"].items.map { port in
                let node = port["nodePort"].int ?? 0
                return "\(port["port"].int ?? 0)\(node > 0 ? ":\(node)" : "")/\(port["protocol"].string ?? "TCP")"
            }
            return .string(ports.isEmpty ? "<none>" : ports.joined(separator: ","))
        default: return .string(labels(spec["selector"]))
        }
    }
    private var externalAddress: String {
        let external = strings(spec["externalIPs"])
        switch spec["type"].string {
        case "ClusterIP", "NodePort": return external.isEmpty ? "<none>" : external.joined(separator: ",")
        case "LoadBalancer":
            let all = balancer(status["loadBalancer"]) + external
            return all.isEmpty ? "<pending>" : all.joined(separator: ",")
        case "ExternalName": return spec["externalName"].string ?? ""
        default: return "<unknown>"
        }
    }

    private var endpoints: String {
        var all: [String] = []
        for subset in object["subsets"].items {
            let addresses = subset["addresses"].items.map { $0["ip"].string ?? "" }
            let ports = subset["ports"].items
            if ports.isEmpty { all += addresses }
            for port in ports {
                all += addresses.map { "\($0.contains(":") ? "[\($0)]" : $0):\(port["port"].int ?? 0)" }
            }
        }
        return firstThree(all, or: object["subsets"].items.isEmpty ? "<none>" : "")
    }

    private func node(_ column: String) -> JSON {
        let info = status["nodeInfo"]
        func address(_ type: String) -> JSON {
            text(status["addresses"].items.first { $0["type"].string == type }?["address"] ?? .null, or: "<none>")
        }
        switch column {
        case "Status":
            let ready = condition("Ready")
            let word = ready.isNull ? "Unknown" : ready["status"] == "True" ? "Ready" : "NotReady"
            return .string(word + (spec["unschedulable"] == true ? ",SchedulingDisabled" : ""))
        case "Roles":
            var roles: Set<String> = []
            for (key, value) in object["metadata"]["labels"].strings {
                let prefix = "node-role.kubernetes.io/"
                if key.hasPrefix(prefix), key != prefix { roles.insert(String(key.dropFirst(prefix.count))) }
                if key == "kubernetes.io/role", !value.isEmpty { roles.insert(value) }
            }
            return .string(roles.isEmpty ? "<none>" : roles.sorted().joined(separator: ","))
        case "Version": return text(info["kubeletVersion"])
        case "Internal-IP": return address("InternalIP")
        case "External-IP": return address("ExternalIP")
        case "OS-Image": return text(info["osImage"], or: "<unknown>")
        case "Kernel-Version": return text(info["kernelVersion"], or: "<unknown>")
        default: return text(info["containerRuntimeVersion"], or: "<unknown>")
        }
    }

    /// Events of both groups: the newer one has other names for some fields.
    func event(_ column: String) -> JSON {
        func either(_ first: String, _ second: String) -> JSON {
            let value = object[first]
            return value.isNull ? object[second] : value
        }
        let involved = either("involvedObject", "regarding")
        let source = either("source", "deprecatedSource")
        let series = object["series"]
        let firstTime = either("firstTimestamp", "deprecatedFirstTimestamp")
        let firstSeen = age(firstTime.isNull ? object["eventTime"] : firstTime)
        switch column {
        case "Last Seen":
            if !series.isNull { return .string(age(series["lastObservedTime"])) }
            let last = either("lastTimestamp", "deprecatedLastTimestamp")
            return .string(last.isNull ? firstSeen : age(last))
        case "Type", "Reason": return text(object[column.lowercased()])
        case "Object":
            let kind = (involved["kind"].string ?? "").lowercased()
            let name = involved["name"].string ?? ""
            return .string(name.isEmpty ? kind : "\(kind)/\(name)")
        case "Subobject": return text(involved["fieldPath"])
        case "Source":
            let reporter = either("reportingComponent", "reportingController").string ?? ""
            let component = source["component"].string ?? ""
            let host = source["host"].string ?? ""
            let place = host.isEmpty ? object["reportingInstance"].string ?? "" : host
            return .string((component.isEmpty ? reporter : component) + (place.isEmpty ? "" : ", \(place)"))
        case "Message": return .string((either("message", "note").string ?? "").trimmingWhitespace)
        case "First Seen": return .string(firstSeen)
        default:
            let count = either("count", "deprecatedCount").int ?? 0
            return series.isNull ? JSON(max(count, 1)) : JSON((series["count"].int ?? 0) &+ 1)
        }
    }

    private func volume(_ column: String) -> JSON {
        switch column {
        case "Capacity": return text(spec["capacity"]["storage"])
        case "Access Modes": return .string(accessModes(spec["accessModes"]))
        case "Reclaim Policy": return text(spec["persistentVolumeReclaimPolicy"])
        case "Status": return phase
        case "Claim":
            let claim = spec["claimRef"]
            return claim.isNull ? "" : .string("\(claim["namespace"].string ?? "")/\(claim["name"].string ?? "")")
        case "StorageClass": return storageClass
        case "Reason": return text(status["reason"])
        case "VolumeMode": return text(spec["volumeMode"], or: "<unset>")
        default: return text(spec["volumeAttributesClassName"], or: "<unset>")
        }
    }
    private func claim(_ column: String) -> JSON {
        let isBound = !(spec["volumeName"].string ?? "").isEmpty
        switch column {
        case "Status": return phase
        case "Volume": return text(spec["volumeName"])
        case "Capacity": return isBound ? text(status["capacity"]["storage"], or: "0") : ""
        case "Access Modes": return .string(isBound ? accessModes(status["accessModes"]) : "")
        case "StorageClass": return storageClass
        case "VolumeMode": return text(spec["volumeMode"], or: "<unset>")
        default: return text(spec["volumeAttributesClassName"], or: "<unset>")
        }
    }
    private var phase: JSON {
        object["metadata"]["deletionTimestamp"].isNull ? text(status["phase"]) : "Terminating"
    }
    private var storageClass: JSON {
        let legacy = object["metadata"]["annotations"]["volume.beta.kubernetes.io/storage-class"]
        return text(legacy.isNull ? spec["storageClassName"] : legacy)
    }

    private func quota(_ column: String) -> JSON {
        let hard = status["hard"].strings
        let used = status["used"].strings
        let names = hard.keys.filter { $0.hasPrefix("limits.") == (column == "Limit") }.sorted()
        return .string(names.map { "\($0): \(used[$0] ?? "0")/\(hard[$0] ?? "0")" }.joined(separator: ", "))
    }

    private func component(_ column: String) -> JSON {
        let healthy = object["conditions"].items.first { $0["type"] == "Healthy" } ?? .null
        switch column {
        case "Status":
            return healthy["status"] == "True" ? "Healthy" : healthy["status"] == "False" ? "Unhealthy" : "Unknown"
        case "Message": return text(healthy["message"])
        default: return text(healthy["error"])
        }
    }
}

extension String {
    /// Without white space at both ends.
    var trimmingWhitespace: String {
        var rest = self[...]
        while rest.first?.isWhitespace == true { rest.removeFirst() }
        while rest.last?.isWhitespace == true { rest.removeLast() }
        return String(rest)
    }
}
