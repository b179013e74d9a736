import Shared
import Synchronization

/// In which shape a client wants objects: as they are, as rows of a table, or their metadata only.
/// Source: apiserver content negotiation; `Accept` with the parameters `as`, `g`, `v`.
enum Representation: Equatable, Sendable {
    case object
    /// `version` is `v1` or `v1beta1` of meta.k8s.io.
    case table(version: String)
    /// - isList: the client has asked for the list kind.
    case metadata(version: String, isList: Bool)

    /// The shape that the header likes best of those that this server speaks.
    /// - Parameter isWatch: streams are JSON only.
    /// - Throws: 406 when there is none.
    init(accept: String?, isWatch: Bool = false) throws(Status) {
        let wanted = MediaRange.list(accept)
        guard !wanted.isEmpty else {
            self = .object
            return
        }
        guard wanted.contains(where: { MediaRange.served.contains($0.type) || $0.type == "*/*" }) else {
            throw Status.notAcceptable
        }
        for range in wanted {
            guard range.isJSON || range.type == "application/yaml" && !isWatch else { continue }
            guard let shape = Representation(range) else { continue }
            self = shape
            return
        }
        throw Status(
            .notAcceptable,
            isWatch
                ? "only the following media types are accepted: application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch"
                : "only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf"
        )
    }

    /// Nil for a shape that is not known.
    private init?(_ range: MediaRange) {
        let version = range.parameters["v"] ?? "v1"
        let isMeta = ["meta.k8s.io", nil].contains(range.parameters["g"])
        switch range.parameters["as"] {
        case nil: self = .object
        case "Table" where isMeta && ["v1", "v1beta1"].contains(version): self = .table(version: version)
        case "PartialObjectMetadata" where isMeta && ["v1", "v1beta1"].contains(version):
            self = .metadata(version: version, isList: false)
        case "PartialObjectMetadataList" where isMeta && ["v1", "v1beta1"].contains(version):
            self = .metadata(version: version, isList: true)
        default: return nil
        }
    }

    /// The name under which watchers of one change share the encoded line.
    func variant(_ include: String) -> String {
        switch self {
        case .object: "object"
        case .table(let version): "table-\(version)-\(include)"
        case .metadata(let version, _): "metadata-\(version)"
        }
    }

    /// The metadata of an object as a `PartialObjectMetadata`.
    static func partial(_ object: JSON, version: String) -> JSON {
        [
            "kind": "PartialObjectMetadata", "apiVersion": .string("meta.k8s.io/\(version)"),
            "metadata": object["metadata"],
        ]
    }

    /// - Throws: 406 when the kind that was asked for is a list and the answer is none, or the other way round.
    func check(isList: Bool, _ resource: Resource) throws(Status) {
        guard case .metadata(_, let wantsList) = self, wantsList != isList else { return }
        let package =
            resource.group.isEmpty ? "core" : resource.group.split(separator: ".").first.map(String.init) ?? ""
        throw Status(
            .notAcceptable,
            wantsList
                ? "you requested PartialObjectMetadataList, but the requested object is not a list (*\(package).\(resource.kind))"
                : "you requested PartialObjectMetadata, but the requested object is a list (*\(package).\(resource.listKind))"
        )
    }
}

/// One item of an `Accept` header. Source: RFC 9110 section 12.5.1.
struct MediaRange: Equatable {
    /// Lower case, without parameters.
    let type: String
    let parameters: [String: String]
    let quality: Double

    static let served: Set<String> = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"]

    var isJSON: Bool { type == "application/json" || type == "*/*" || type == "application/*" }

    /// The headers that clients have sent lately: they are few, and every request has one.
    private static let known = Mutex<[String: [MediaRange]]>([:])

    /// The items of a header, the most wanted first; those of equal weight in their order.
    static func list(_ header: String?) -> [MediaRange] {
        guard let header else { return [] }
        if let ranges = known.withLock({ $0[header] }) { return ranges }
        let ranges = read(header)
        if header.utf8.count <= Limits.acceptKeptBytesMax {
            known.withLock { known in
                if known.count == Limits.acceptsKeptMax { known = [:] }
                known[header] = ranges
            }
        }
        return ranges
    }

    private static func read(_ header: String) -> [MediaRange] {
        let ranges = header.split(separator: ",").compactMap(MediaRange.init)
        return ranges.enumerated().sorted {
            $0.element.quality == $1.element.quality
                ? $0.offset < $1.offset : $0.element.quality > $1.element.quality
        }.map(\.element)
    }

    private init?(_ text: Substring) {
        let pieces = text.split(separator: ";").map(\.trimmingSpaces)
        guard let type = pieces.first, !type.isEmpty else { return nil }
        self.type = type.lowercased()
        var parameters: [String: String] = [:]
        for piece in pieces.dropFirst() {
            let pair = piece.split(separator: "=", maxSplits: 1).map(String.init)
            if pair.count == 2 { parameters[pair[0]] = pair[1] }
        }
        quality = parameters["q"].flatMap { Double($0) } ?? 1
        self.parameters = parameters
    }
}
