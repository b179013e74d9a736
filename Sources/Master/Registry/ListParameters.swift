import Shared

/// What a list or a watch asks for, checked. Source: metav1 `ListOptions`, `ValidateListOptions`.
struct ListParameters: Sendable, Equatable {
    enum Match: String, Sendable {
        case exact = "Exact"
        case notOlderThan = "NotOlderThan"
    }

    var limit = 0
    /// The token of the page before; empty for the first page.
    var next = ""
    /// As given: empty, `0` or a revision.
    var resourceVersion = ""
    var match: Match?
    var timeoutSeconds: Int?
    var wantsBookmarks = false
    var sendsInitialEvents: Bool?

    init() {}

    /// - Throws: 400 for a number that is none, 422 for parameters that contradict each other.
    init(_ query: Query, isWatch: Bool) throws(Status) {
        limit = try query.number("limit") ?? 0
        next = query["continue"] ?? ""
        resourceVersion = query["resourceVersion"] ?? ""
        timeoutSeconds = try query.number("timeoutSeconds")
        wantsBookmarks = query.flag("allowWatchBookmarks") ?? false
        sendsInitialEvents = query.flag("sendInitialEvents")
        let text = query["resourceVersionMatch"] ?? ""
        match = Match(rawValue: text)
        let errors = isWatch ? watchErrors(text) : listErrors(text)
        if !errors.isEmpty {
            throw FieldError.status(errors, group: "meta.k8s.io", kind: "ListOptions", name: "")
        }
    }

    private func listErrors(_ text: String) -> [FieldError] {
        var errors: FieldErrors = []
        let field = Field(["resourceVersionMatch": .string(text)])["resourceVersionMatch"]
        if !text.isEmpty {
            if resourceVersion.isEmpty {
                errors.forbidden(field, "resourceVersionMatch is forbidden unless resourceVersion is provided")
            }
            if !next.isEmpty {
                errors.forbidden(field, "resourceVersionMatch is forbidden when continue is provided")
            }
            if match == nil { errors.notSupported(field, ["Exact", "NotOlderThan", ""]) }
            if match == .exact, resourceVersion == "0" {
                errors.forbidden(
                    field, "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"")
            }
        }
        if sendsInitialEvents != nil {
            errors.forbidden(
                Field(["sendInitialEvents": true])["sendInitialEvents"], "sendInitialEvents is forbidden for list")
        }
        return errors
    }

    private func watchErrors(_ text: String) -> [FieldError] {
        var errors: FieldErrors = []
        let field = Field(["resourceVersionMatch": .string(text)])["resourceVersionMatch"]
        if sendsInitialEvents != nil, match != .notOlderThan {
            errors.forbidden(field, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan")
        }
        guard !text.isEmpty else { return errors }
        if sendsInitialEvents == nil {
            errors.forbidden(
                field, "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided")
        }
        if match != .notOlderThan { errors.notSupported(field, ["NotOlderThan"]) }
        if !next.isEmpty { errors.forbidden(field, "resourceVersionMatch is forbidden when continue is provided") }
        return errors
    }

    /// The revision that is meant; nil for the latest.
    /// - Throws: 400 when it is no number.
    func revision() throws(Status) -> Revision? {
        if resourceVersion.isEmpty || resourceVersion == "0" { return nil }
        guard let revision = Revision(resourceVersion) else {
            let why = "strconv.ParseUint: parsing \(resourceVersion.goQuoted): invalid syntax"
            throw Status(
                .badRequest, "resourceVersion: Invalid value: \(resourceVersion.goQuoted): \(why)")
        }
        return revision
    }
}

extension Query {
    /// A whole number; nil when the parameter is absent or empty.
    func number(_ name: String) throws(Status) -> Int? {
        guard let text = self[name], !text.isEmpty else { return nil }
        if let number = Int(text) { return number }
        let digits = text.hasPrefix("-") || text.hasPrefix("+") ? text.dropFirst() : text[...]
        let isNumber = !digits.isEmpty && digits.utf8.allSatisfy { (0x30...0x39).contains($0) }
        throw Status(
            .badRequest,
            "strconv.ParseInt: parsing \(text.goQuoted): \(isNumber ? "value out of range" : "invalid syntax")")
    }

    /// Present and neither `false` nor `0`, as the API reads its switches; nil when the parameter is absent.
    func flag(_ name: String) -> Bool? {
        self[name].map { !["false", "0"].contains($0.lowercased()) }
    }
}
