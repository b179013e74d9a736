import Shared

/// What a container's variables may refer to.
struct EnvironmentSource: Sendable {
    let pod: Pod
    let nodeName: String
    let hostAddress: String
    let podAddress: String
    /// Of the node, for limits that the container does not set.
    let nodeCPUMillis: Int
    let nodeMemory: Int
    /// Objects that the variables name, fetched before; nil means that there is none.
    var configMaps: [String: JSON?] = [:]
    var secrets: [String: JSON?] = [:]
    /// Variables of services come first and may be replaced.
    var services: [(name: String, value: String)] = []
}

/// Values of the downward API. Pure. Source: kubelet `podFieldSelectorRuntimeValue`, `resource.ExtractContainerResourceValue`.
enum DownwardValue {
    static func field(_ path: String, _ source: EnvironmentSource) -> String? {
        let pod = source.pod
        switch path {
        case "metadata.name": return pod.name
        case "metadata.namespace": return pod.namespace
        case "metadata.uid": return pod.metadata.uid
        case "metadata.labels": return lines(pod.metadata.labels)
        case "metadata.annotations": return lines(pod.metadata.annotations)
        case "spec.nodeName": return source.nodeName
        case "spec.serviceAccountName": return pod.spec.serviceAccountName
        case "status.podIP", "status.podIPs": return source.podAddress
        case "status.hostIP", "status.hostIPs": return source.hostAddress
        default:
            for (prefix, values) in [
                ("metadata.labels['", pod.metadata.labels), ("metadata.annotations['", pod.metadata.annotations),
            ] where path.hasPrefix(prefix) && path.hasSuffix("']") {
                return values[String(path.dropFirst(prefix.count).dropLast(2))] ?? ""
            }
            return nil
        }
    }

    /// `key="value"`, sorted, one a line. Source: `fieldpath.FormatMap`.
    static func lines(_ values: [String: String]) -> String {
        values.sorted { $0.key < $1.key }.map { "\($0.key)=\(JSON.string($0.value).text)" }.joined(separator: "\n")
    }

    static func resource(_ reference: JSON, _ own: Container, _ source: EnvironmentSource) throws(ConfigError) -> String
    {
        let text = reference["resource"].string ?? ""
        let parts = text.split(separator: ".", maxSplits: 1).map(String.init)
        let named = reference["containerName"].string ?? ""
        let container =
            named.isEmpty
            ? own : (source.pod.spec.containers + source.pod.spec.initContainers).first { $0.name == named }
        guard parts.count == 2, ["limits", "requests"].contains(parts[0]), let container else {
            throw ConfigError("unsupported container resource : \(text)")
        }
        let isLimit = parts[0] == "limits"
        let set = isLimit ? container.limits : container.requests.merging(container.limits) { own, _ in own }
        let divisor = reference["divisor"].string.flatMap { Quantity($0) }
        switch parts[1] {
        case "cpu":
            let millis = set["cpu"]?.milli ?? (isLimit ? source.nodeCPUMillis : 0)
            let unit = max(1, divisor.map { $0.isZero ? 1000 : $0.milli } ?? 1000)
            return String((millis + unit - 1) / unit)
        case "memory", "ephemeral-storage":
            let bytes = set[parts[1]]?.value ?? (isLimit && parts[1] == "memory" ? source.nodeMemory : 0)
            let unit = max(1, divisor.map { $0.isZero ? 1 : $0.value } ?? 1)
            return String(bytes / unit + (bytes % unit == 0 ? 0 : 1))
        default:
            let value = set[parts[1]]?.value ?? 0
            let unit = max(1, divisor.map { $0.isZero ? 1 : $0.value } ?? 1)
            return String(value / unit + (value % unit == 0 ? 0 : 1))
        }
    }
}
