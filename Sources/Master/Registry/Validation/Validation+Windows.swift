import Shared

/// What containers on Windows may ask for. Source: `validateWindowsSecurityContextOptions`.
extension Validation {
    static func windowsOptions(_ options: Field, _ errors: inout FieldErrors) {
        guard options.isPresent else { return }
        let (name, content) = (options["gmsaCredentialSpecName"], options["gmsaCredentialSpec"])
        if name.isPresent { errors.check(name, NameText.subdomain(name.text)) }
        if content.isPresent {
            if content.text.isEmpty {
                errors.invalid(content, "gmsaCredentialSpec cannot be an empty string")
            } else if content.text.utf8.count > 64 * 1024 {
                errors.invalid(content, "gmsaCredentialSpec size must be under 64 KiB")
            }
        }
        if options["runAsUserName"].isPresent { windowsUser(options["runAsUserName"], &errors) }
    }

    /// `DOMAIN\user` or `user`.
    private static func windowsUser(_ field: Field, _ errors: inout FieldErrors) {
        let text = Array(field.text.unicodeScalars)
        if text.isEmpty {
            errors.invalid(field, "runAsUserName cannot be an empty string")
            return
        }
        if text.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) {
            errors.invalid(field, "runAsUserName cannot contain control characters")
            return
        }
        let parts = text.split(separator: "\\", omittingEmptySubsequences: false)
        guard parts.count <= 2, let user = parts.last else {
            errors.invalid(field, "runAsUserName cannot contain more than one backslash")
            return
        }
        if parts.count == 2 {
            let domain = String(String.UnicodeScalarView(parts[0]))
            if domain.utf8.count >= 256 {
                errors.invalid(field, "runAsUserName's Domain length must be under 256 characters")
            }
            if !isNetworkName(domain), !isDomain(domain) {
                errors.invalid(field, "runAsUserName's Domain doesn't match the NetBios nor the DNS format")
            }
        }
        if user.isEmpty {
            errors.invalid(field, "runAsUserName's User cannot be empty")
        } else if String(String.UnicodeScalarView(user)).utf8.count > 104 {
            errors.invalid(field, "runAsUserName's User length must not be longer than 104 characters")
        }
        if !user.isEmpty, user.allSatisfy({ $0 == "." || $0 == " " }) {
            errors.invalid(field, "runAsUserName's User cannot contain only periods or spaces")
        }
        let refused = #""/\:;|=,+*?<>@[]"#.unicodeScalars
        if user.contains(where: refused.contains) {
            errors.invalid(
                field, #"runAsUserName's User cannot contain the following characters: "/\:;|=,+*?<>@[]"#)
        }
    }
    /// A NetBIOS name.
    private static func isNetworkName(_ domain: String) -> Bool {
        (1...15).contains(domain.unicodeScalars.count) && !domain.hasPrefix(".")
            && !domain.unicodeScalars.contains(where: #"\/:*?"<>|"#.unicodeScalars.contains)
    }
    /// A DNS name, in capital letters too.
    private static func isDomain(_ domain: String) -> Bool {
        domain.split(separator: ".", omittingEmptySubsequences: false).allSatisfy {
            $0.utf8.count <= 63 && NameText.label($0.lowercased()).isEmpty
        }
    }
}
