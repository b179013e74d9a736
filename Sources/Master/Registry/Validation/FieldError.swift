import Shared

/// One field that is not as it must be. Source: apimachinery `util/validation/field`.
struct FieldError: Sendable, Equatable {
    enum Reason: String, Sendable {
        case required = "FieldValueRequired"
        case invalid = "FieldValueInvalid"
        case forbidden = "FieldValueForbidden"
        case notSupported = "FieldValueNotSupported"
        case duplicate = "FieldValueDuplicate"
        case tooLong = "FieldValueTooLong"
        case tooMany = "FieldValueTooMany"
        case notFound = "FieldValueNotFound"
        case typeInvalid = "FieldValueTypeInvalid"
        case internalError = "InternalError"
    }

    let reason: Reason
    /// `spec.containers[0].name`.
    var field: String
    /// The value in the form in which Go prints it; only for reasons that show one.
    var value = ""
    /// What would be right.
    var detail = ""

    /// `Invalid value: "x": must be …`, without the field.
    var message: String {
        let head =
            switch reason {
            case .required: "Required value"
            case .forbidden: "Forbidden"
            case .tooLong: "Too long"
            case .internalError: "Internal error"
            case .tooMany: "Too many: \(value)"
            case .invalid, .typeInvalid: "Invalid value: \(value)"
            case .notSupported: "Unsupported value: \(value)"
            case .duplicate: "Duplicate value: \(value)"
            case .notFound: "Not found: \(value)"
            }
        return detail.isEmpty ? head : "\(head): \(detail)"
    }

    var cause: Status.Cause { Status.Cause(reason: reason.rawValue, message: message, field: field) }

    /// All errors in one text, equal ones once.
    private static func sentence(_ errors: [FieldError]) -> String {
        var seen: [String] = []
        for error in errors.prefix(Limits.fieldErrorsMax) {
            let text = "\(error.field): \(error.message)"
            if !seen.contains(text) { seen.append(text) }
        }
        return seen.count == 1 ? seen[0] : "[" + seen.joined(separator: ", ") + "]"
    }

    /// Errors of a body that is no object of its own, which Kubernetes answers with 500 and the bare text.
    static func aggregate(_ errors: [FieldError]) -> Status { Status(.unknown, sentence(errors), code: 500) }

    /// The answer 422 to a write: `Pod "web" is invalid: spec.containers: Required value`.
    static func status(_ errors: [FieldError], group: String, kind: String, name: String) -> Status {
        let list = sentence(errors)
        let qualified = group.isEmpty ? kind : "\(kind).\(group)"
        var status = Status(.invalid, "\(qualified) \(name.goQuoted) is invalid: \(list)")
        status.name = name
        status.group = group
        status.kind = kind
        status.causes = errors.prefix(Limits.fieldErrorsMax).map(\.cause)
        return status
    }
}
