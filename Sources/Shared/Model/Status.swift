/// `metav1.Status` as an error: how every refused request is answered.
/// Source: apimachinery `api/errors`; the code follows from the reason.
package struct Status: Error, Equatable, Sendable {
    package enum Reason: String, Sendable {
        case unknown = ""
        case badRequest = "BadRequest"
        case unauthorized = "Unauthorized"
        case forbidden = "Forbidden"
        case notFound = "NotFound"
        case alreadyExists = "AlreadyExists"
        case conflict = "Conflict"
        case gone = "Gone"
        case expired = "Expired"
        case invalid = "Invalid"
        case methodNotAllowed = "MethodNotAllowed"
        case notAcceptable = "NotAcceptable"
        case unsupportedMediaType = "UnsupportedMediaType"
        case requestEntityTooLarge = "RequestEntityTooLarge"
        case tooManyRequests = "TooManyRequests"
        case serverTimeout = "ServerTimeout"
        case timeout = "Timeout"
        case internalError = "InternalError"
        case serviceUnavailable = "ServiceUnavailable"
    }

    /// One reason among several; for `Invalid`, one field.
    package struct Cause: Equatable, Sendable {
        /// `FieldValueInvalid`, `FieldValueRequired`, …
        package let reason: String
        package let message: String
        /// Path of the field such as `spec.containers[0].name`.
        package let field: String
        package init(reason: String, message: String, field: String) {
            self.reason = reason
            self.message = message
            self.field = field
        }
    }

    package var code: Int
    package var reason: Reason
    package var message: String
    /// `details.name`, `.group`, `.kind`, `.uid`.
    package var name = ""
    package var group = ""
    package var kind = ""
    package var uid = ""
    package var causes: [Cause] = []
    package var retryAfterSeconds = 0
    /// `details` is written even when there is nothing in it, as for errors that the server makes without looking at an
    /// object.
    package var showsDetails = false
    /// `metadata.continue`: where a list that has grown too old may go on.
    package var next = ""

    package init(_ reason: Reason, _ message: String, code: Int? = nil) {
        self.reason = reason
        self.message = message
        self.code = code ?? reason.code
    }
}

extension Status.Reason {
    /// The HTTP status that goes with the reason.
    package var code: Int {
        switch self {
        case .badRequest: 400
        case .unauthorized: 401
        case .forbidden: 403
        case .notFound: 404
        case .methodNotAllowed: 405
        case .notAcceptable: 406
        case .alreadyExists, .conflict: 409
        case .gone, .expired: 410
        case .requestEntityTooLarge: 413
        case .unsupportedMediaType: 415
        case .invalid: 422
        case .tooManyRequests: 429
        case .unknown, .internalError: 500
        case .serviceUnavailable: 503
        case .serverTimeout, .timeout: 504
        }
    }
}

extension Status {
    /// Whether it refuses to create something in a namespace that goes away: there is no use in asking again.
    package var isOfEndingNamespace: Bool {
        reason == .forbidden && causes.contains { $0.reason == "NamespaceTerminating" }
    }

    /// `pods "web" not found`.
    package static func notFound(_ resource: GroupResource, _ name: String) -> Status {
        about(resource, name, .notFound, "\(resource) \"\(name)\" not found")
    }
    /// `pods "web" already exists`.
    package static func alreadyExists(_ resource: GroupResource, _ name: String) -> Status {
        about(resource, name, .alreadyExists, "\(resource) \"\(name)\" already exists")
    }
    /// `Operation cannot be fulfilled on pods "web": …`.
    package static func conflict(_ resource: GroupResource, _ name: String, _ why: String) -> Status {
        about(resource, name, .conflict, "Operation cannot be fulfilled on \(resource) \"\(name)\": \(why)")
    }
    /// `pods "web" is forbidden: …`; without a name `pods is forbidden: …`.
    package static func forbidden(_ resource: GroupResource, _ name: String, _ why: String) -> Status {
        about(resource, name, .forbidden, "\(resource)\(name.isEmpty ? "" : " \"\(name)\"") is forbidden: \(why)")
    }
    /// `Internal error occurred: …`.
    package static func internalError(_ why: String) -> Status {
        var status = Status(.internalError, "Internal error occurred: \(why)")
        status.causes = [Cause(reason: "", message: why, field: "")]
        return status
    }
    private static func about(_ resource: GroupResource, _ name: String, _ reason: Reason, _ message: String) -> Status
    {
        var status = Status(reason, message)
        status.name = name
        status.group = resource.group
        status.kind = resource.resource
        return status
    }

    /// The body of the answer.
    package var json: JSON {
        var json: JSON = ["kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Failure"]
        if !next.isEmpty { json["metadata"]["continue"] = .string(next) }
        if !message.isEmpty { json["message"] = .string(message) }
        if reason != .unknown { json["reason"] = .string(reason.rawValue) }
        var details: JSON = [:]
        for (key, value) in [("name", name), ("group", group), ("kind", kind), ("uid", uid)] where !value.isEmpty {
            details[key] = .string(value)
        }
        if !causes.isEmpty { details["causes"] = .array(causes.map(\.json)) }
        if retryAfterSeconds > 0 { details["retryAfterSeconds"] = JSON(retryAfterSeconds) }
        if !details.members.isEmpty || showsDetails { json["details"] = details }
        json["code"] = JSON(code)
        return json
    }

    /// Reads a Status object that a server sent; nil when `json` is none.
    package init?(_ json: JSON) {
        guard json["kind"].string == "Status" else { return nil }
        code = json["code"].int ?? 500
        reason = json["reason"].string.flatMap(Reason.init(rawValue:)) ?? .unknown
        message = json["message"].string ?? ""
        let details = json["details"]
        name = details["name"].string ?? ""
        group = details["group"].string ?? ""
        kind = details["kind"].string ?? ""
        uid = details["uid"].string ?? ""
        causes = details["causes"].items.map {
            Cause(
                reason: $0["reason"].string ?? "", message: $0["message"].string ?? "", field: $0["field"].string ?? "")
        }
        retryAfterSeconds = details["retryAfterSeconds"].int ?? 0
    }
}

extension Status.Cause {
    package var json: JSON {
        var json: JSON = ["reason": .string(reason), "message": .string(message)]
        if !field.isEmpty { json["field"] = .string(field) }
        return json
    }
}

extension Status: CustomStringConvertible {
    package var description: String { message.isEmpty ? "\(reason) (\(code))" : message }
}
