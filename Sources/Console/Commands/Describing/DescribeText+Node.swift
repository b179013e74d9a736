import Shared

extension DescribeText {
    mutating func node(_ node: JSON, _ context: DescribeContext) {
        let metadata = Object(node).metadata
        let spec = node["spec"], status = node["status"]
        line(0, "Name:\t\(metadata.name)")
        let roles = metadata.labels.compactMap { key, value -> String? in
            if key.hasPrefix("node-role.kubernetes.io/") {
                return String(key.dropFirst("node-role.kubernetes.io/".count))
            }
            return key == "kubernetes.io/role" && !value.isEmpty ? value : nil
        }
        line(0, "Roles:\t\(roles.isEmpty ? "<none>" : Set(roles).sorted().joined(separator: ","))")
        labels("Labels", metadata.labels)
        annotations(metadata.annotations)
        line(0, "CreationTimestamp:\t\(time(metadata.json["creationTimestamp"]))")
        pairs("Taints", DescribeText.taints(spec["taints"].items))
        line(0, "Unschedulable:\t\(spec["unschedulable"].bool ?? false)")
        if let lease = context.lease {
            line(0, "Lease:")
            line(1, "HolderIdentity:\t\(lease.at("spec", "holderIdentity").string ?? "<unset>")")
            line(1, "AcquireTime:\t\(time(lease.at("spec", "acquireTime")))")
            line(1, "RenewTime:\t\(time(lease.at("spec", "renewTime")))")
        } else {
            line(
                0, "Lease:\tFailed to get lease: leases.coordination.k8s.io \"\(metadata.name)\" not found")
        }
        let conditions = status["conditions"].items
        if !conditions.isEmpty {
            line(0, "Conditions:\n  Type\tStatus\tLastHeartbeatTime\tLastTransitionTime\tReason\tMessage")
            line(1, "----\t------\t-----------------\t------------------\t------\t-------")
        }
        for condition in conditions {
            line(
                1,
                "\(condition["type"].string ?? "") \t\(condition["status"].string ?? "") \t\(time(condition["lastHeartbeatTime"])) \t"
                    + "\(time(condition["lastTransitionTime"])) \t\(condition["reason"].string ?? "") \t\(condition["message"].string ?? "")"
            )
        }
        line(0, "Addresses:")
        for address in status["addresses"].items {
            line(1, "\(address["type"].string ?? ""):\t\(address["address"].string ?? "")")
        }
        for (title, key) in [("Capacity", "capacity"), ("Allocatable", "allocatable")] {
            if !status[key].members.isEmpty { line(0, "\(title):") }
            for (name, amount) in status[key].members.sorted() { line(1, "\(name):\t\(ServerTable.text(amount))") }
        }
        line(0, "System Info:")
        for (title, key) in [
            ("Machine ID", "machineID"), ("System UUID", "systemUUID"), ("Boot ID", "bootID"),
            ("Kernel Version", "kernelVersion"), ("OS Image", "osImage"), ("Operating System", "operatingSystem"),
            ("Architecture", "architecture"), ("Container Runtime Version", "containerRuntimeVersion"),
            ("Kubelet Version", "kubeletVersion"), ("Kube-Proxy Version", "kubeProxyVersion"),
        ] { line(1, "\(title):\t\(status["nodeInfo"][key].string ?? "")") }
        if let block = spec["podCIDR"].string, !block.isEmpty { line(0, "PodCIDR:\t\(block)") }
        let blocks = spec["podCIDRs"].items.compactMap(\.string)
        if !blocks.isEmpty { line(0, "PodCIDRs:\t\(blocks.joined(separator: ","))") }
        if let provider = spec["providerID"].string, !provider.isEmpty { line(0, "ProviderID:\t\(provider)") }
        pods(of: node, context.pods)
    }

    static func taints(_ taints: [JSON]) -> [String] {
        let order = ["NoExecute", "NoSchedule", "PreferNoSchedule"]
        let sorted = taints.sorted {
            let left = order.firstIndex(of: $0["effect"].string ?? "") ?? 3
            let right = order.firstIndex(of: $1["effect"].string ?? "") ?? 3
            return (left, $0["key"].string ?? "") < (right, $1["key"].string ?? "")
        }
        return sorted.map { taint in
            let value = taint["value"].string ?? ""
            return "\(taint["key"].string ?? "")\(value.isEmpty ? "" : "=\(value)"):\(taint["effect"].string ?? "")"
        }
    }

    private mutating func pods(of node: JSON, _ pods: [JSON]) {
        let allocatable =
            node["status"]["allocatable"].members.isEmpty ? node["status"]["capacity"] : node["status"]["allocatable"]
        func share(_ amount: Quantity, _ name: String) -> String {
            let whole = allocatable[name].string.flatMap { Quantity($0) }?.double ?? 0
            let percent = whole > 0 ? Int(min(amount.double / whole * 100, 1e6)) : 0
            return "\(amount) (\(percent)%)"
        }
        line(0, "Non-terminated Pods:\t(\(pods.count) in total)")
        line(1, "Namespace\tName\t\tCPU Requests\tCPU Limits\tMemory Requests\tMemory Limits\tAge")
        line(1, "---------\t----\t\t------------\t----------\t---------------\t-------------\t---")
        var totals: [String: (requests: Quantity, limits: Quantity)] = [:]
        for pod in pods {
            let requests = PodAmounts.sum(pod["spec"], "requests")
            let limits = PodAmounts.sum(pod["spec"], "limits")
            var cells: [String] = []
            for name in ["cpu", "memory"] {
                for amounts in [requests, limits] { cells.append(share(amounts[name] ?? Quantity(0), name)) }
            }
            for name in ["cpu", "memory", "ephemeral-storage"] {
                let old = totals[name] ?? (Quantity(0), Quantity(0))
                totals[name] = (
                    old.requests + (requests[name] ?? Quantity(0)), old.limits + (limits[name] ?? Quantity(0))
                )
            }
            let object = Object(pod)
            line(
                1,
                "\(object.namespace)\t\(object.name)\t\t\(cells.joined(separator: "\t"))\t\(age(object.metadata.json["creationTimestamp"]))"
            )
        }
        line(0, "Allocated resources:\n  (Total limits may be over 100 percent, i.e., overcommitted.)")
        line(1, "Resource\tRequests\tLimits\n  --------\t--------\t------")
        let huge = node["status"]["capacity"].members.keys.filter { $0.hasPrefix("hugepages-") }.sorted()
        for name in ["cpu", "memory", "ephemeral-storage"] + huge {
            let (requests, limits) = totals[name] ?? (Quantity(0), Quantity(0))
            line(1, "\(name)\t\(share(requests, name))\t\(share(limits, name))")
        }
    }
}
