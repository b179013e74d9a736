package import Shared

extension Limits {
    /// Unknown or repeated fields that one answer names; further ones are left out. Source: sigs.k8s.io/json.
    package static let strictErrorsMax = 100
    /// Errors of one validation that one answer names; further ones are left out.
    package static let fieldErrorsMax = 100
}
