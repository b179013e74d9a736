import Shared

/// Which of the offered media types a client takes. Source: RFC 9110 section 12.5.1; apiserver content negotiation.
enum MediaTypes {
    static let offered = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"]

    /// The types of an `Accept` header in the client's order, without their parameters but `as`.
    private static func wishes(_ accept: String?) -> [(type: String, shape: String?)] {
        (accept ?? "*/*").split(separator: ",").prefix(32).map { part in
            let pieces = part.split(separator: ";").map(\.trimmingSpaces)
            let shape = pieces.dropFirst().first { $0.hasPrefix("as=") }.map { String($0.dropFirst(3)) }
            return ((pieces.first ?? "").lowercased(), shape)
        }
    }

    /// The first of the client's types that is offered; a wildcard takes the first offered one.
    static func first(_ accept: String?, _ offered: [String]) -> String? {
        for wish in wishes(accept) {
            if let found = offered.first(where: { matches(wish.type, $0) }) { return found }
        }
        return accept?.isEmpty ?? true ? offered.first : nil
    }

    static func accepts(_ accept: String?, _ offered: [String]) -> Bool { first(accept, offered) != nil }

    private static func matches(_ wish: String, _ offer: String) -> Bool {
        if wish == "*/*" || wish == offer.lowercased() { return true }
        return wish.hasSuffix("/*") && offer.hasPrefix(wish.dropLast())
    }

    /// - Throws: 406 when the client takes none of the usual types, or only shapes that do not exist here.
    /// - Parameter isPlain: the path has a handler of its own, which words both refusals alike.
    static func check(_ accept: String?, isPlain: Bool) throws(Status) {
        guard isPlain || accepts(accept, offered) else { throw Status.notAcceptable }
        guard
            wishes(accept).contains(where: { wish in
                offered.contains { matches(wish.type, $0) } && wish.shape == nil
            })
        else {
            throw Status(
                .notAcceptable, "only the following media types are accepted: \(offered.joined(separator: ", "))")
        }
    }
}

extension Status {
    /// 404 for a path that leads to no resource.
    static let unknownResource = detailed(.notFound, "the server could not find the requested resource")
    static let wrongMethod = detailed(
        .methodNotAllowed, "the server does not allow this method on the requested resource")
    static let notAcceptable = detailed(.notAcceptable, "406: Not Acceptable")

    private static func detailed(_ reason: Reason, _ message: String) -> Status {
        var status = Status(reason, message)
        status.showsDetails = true
        return status
    }
}
