import Shared

/// In which shape a client wants objects: as they are, as rows of a table, or their metadata only.
/// Source: apiserver content negotiation; `Accept` with the parameters `as`, `g`, `v`.
enum Representation: Equatable, Sendable {
    case object
    /// `version` is `v1` or `v1beta1` of meta.k8s.io.
    case table(version: String)
    case metadata(version: String)

    /// The first shape of the header that this server speaks.
    /// - Throws: 406 when there is none.
    init(accept: String?) throws(Status) {
        guard let accept, !accept.isEmpty else {
            self = .object
            return
        }
        for part in accept.split(separator: ",") {
            let pieces = part.split(separator: ";").map(\.trimmingSpaces)
            guard let type = pieces.first?.lowercased(),
                ["application/json", "application/yaml", "*/*", "application/*"].contains(type)
            else { continue }
            var parameters: [String: String] = [:]
            for piece in pieces.dropFirst() {
                let pair = piece.split(separator: "=", maxSplits: 1).map(String.init)
                if pair.count == 2 { parameters[pair[0]] = pair[1] }
            }
            let version = parameters["v"] ?? "v1"
            switch parameters["as"] {
            case nil: self = .object
            case "Table" where ["v1", "v1beta1"].contains(version): self = .table(version: version)
            case "PartialObjectMetadata", "PartialObjectMetadataList": self = .metadata(version: version)
            default: continue
            }
            return
        }
        guard MediaTypes.accepts(accept, MediaTypes.offered) else { throw Status.notAcceptable }
        throw Status(
            .notAcceptable,
            "only the following media types are accepted: \(MediaTypes.offered.joined(separator: ", "))")
    }

    /// The name under which watchers of one change share the encoded line.
    func variant(_ include: String) -> String {
        switch self {
        case .object: "object"
        case .table(let version): "table-\(version)-\(include)"
        case .metadata(let version): "metadata-\(version)"
        }
    }

    /// The metadata of an object as a `PartialObjectMetadata`.
    static func partial(_ object: JSON, version: String) -> JSON {
        [
            "kind": "PartialObjectMetadata", "apiVersion": .string("meta.k8s.io/\(version)"),
            "metadata": object["metadata"],
        ]
    }
}
