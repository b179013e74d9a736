/// The grammars of names with the texts that Kubernetes answers when a name is wrong; an empty list means right.
/// Source: apimachinery `util/validation`.
package enum NameText {
    package static func label(_ name: String) -> [String] {
        var texts: [String] = []
        if name.utf8.count > 63 { texts.append("must be no more than 63 characters") }
        if !isLabelForm(name) {
            texts.append(
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and "
                    + "end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
                    + "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')")
        }
        return texts
    }
    package static func label1035(_ name: String) -> [String] {
        var texts: [String] = []
        if name.utf8.count > 63 { texts.append("must be no more than 63 characters") }
        if !isLabelForm(name) || !(name.utf8.first.map { $0 >= UInt8(ascii: "a") } ?? false) {
            texts.append(
                "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic "
                    + "character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for "
                    + "validation is '[a-z]([-a-z0-9]*[a-z0-9])?')")
        }
        return texts
    }
    package static func subdomain(_ name: String) -> [String] {
        var texts: [String] = []
        if name.utf8.count > 253 { texts.append("must be no more than 253 characters") }
        if !isSubdomainForm(name) {
            texts.append(
                "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
                    + "start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
                    + "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')")
        }
        return texts
    }
    package static func wildcardSubdomain(_ name: String) -> [String] {
        if name.hasPrefix("*."), Names.isDNSSubdomain(String(name.dropFirst(2))) { return [] }
        return [
            "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of "
                + "lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. "
                + "'*.example.com', regex used for validation is "
                + "'\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
        ]
    }
    package static func pathSegment(_ name: String) -> [String] {
        if name == "." || name == ".." { return ["may not be '\(name)'"] }
        return ["/", "%"].filter { name.contains($0) }.map { "may not contain '\($0)'" }
    }
    /// Keys of labels and annotations, resource names: `[prefix/]name`.
    package static func qualified(_ name: String) -> [String] {
        let form =
            "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
            + "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
            + "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
        let parts = name.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count <= 2, let last = parts.last else {
            return [
                "a qualified name \(form) with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
            ]
        }
        var texts: [String] = []
        if parts.count == 2 {
            if parts[0].isEmpty {
                texts.append("prefix part must be non-empty")
            } else {
                texts += subdomain(parts[0]).map { "prefix part \($0)" }
            }
        }
        if last.isEmpty {
            texts.append("name part must be non-empty")
        } else if last.utf8.count > 63 {
            texts.append("name part must be no more than 63 characters")
        }
        if !Names.isLabelValue(last) && last.utf8.count <= 63 || last.isEmpty { texts.append("name part \(form)") }
        return texts
    }
    package static func labelValue(_ value: String) -> [String] {
        var texts: [String] = []
        if value.utf8.count > 63 {
            texts.append("must be no more than 63 characters")
        } else if !Names.isLabelValue(value) {
            texts.append(
                "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must "
                    + "start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used "
                    + "for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')")
        }
        return texts
    }
    /// Keys of ConfigMaps and Secrets.
    package static func configKey(_ key: String) -> [String] {
        var texts: [String] = []
        if key.utf8.count > 253 { texts.append("must be no more than 253 characters") }
        if key.isEmpty || !key.utf8.allSatisfy({ isWord($0) || [0x2D, 0x5F, 0x2E].contains($0) }) {
            texts.append(
                "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or "
                    + "'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')")
        }
        if key == "." { texts.append("must not be '.'") }
        if key == ".." {
            texts.append("must not be '..'")
        } else if key.hasPrefix("..") {
            texts.append("must not start with '..'")
        }
        return texts
    }
    /// Printable ASCII without `=`, as newer servers accept it.
    package static func environment(_ name: String) -> [String] {
        let isRight = !name.isEmpty && name.utf8.allSatisfy { (0x20...0x7E).contains($0) && $0 != UInt8(ascii: "=") }
        return isRight
            ? []
            : [
                "a valid environment variable name must consist only of printable ASCII characters other than '=' (e.g. "
                    + "'my.env-name',  or 'MY_ENV.NAME',  or 'MyEnvName1')"
            ]
    }
    /// Names of container ports.
    package static func portName(_ name: String) -> [String] {
        var texts: [String] = []
        let bytes = Array(name.utf8)
        if bytes.count > 15 { texts.append("must be no more than 15 characters") }
        if bytes.isEmpty || !bytes.allSatisfy({ isLower($0) || $0 == 0x2D }) {
            texts.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
        }
        if !bytes.contains(where: { (0x61...0x7A).contains($0) }) {
            texts.append("must contain at least one letter (a-z)")
        }
        if name.contains("--") { texts.append("must not contain consecutive hyphens") }
        if bytes.first == 0x2D || bytes.last == 0x2D { texts.append("must not begin or end with a hyphen") }
        return texts
    }

    private static func isLabelForm(_ name: String) -> Bool {
        guard let first = name.utf8.first, let last = name.utf8.last else { return false }
        return isLower(first) && isLower(last) && name.utf8.allSatisfy { isLower($0) || $0 == 0x2D }
    }
    private static func isSubdomainForm(_ name: String) -> Bool {
        name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { isLabelForm(String($0)) }
    }
    private static func isLower(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) }
    private static func isWord(_ byte: UInt8) -> Bool { isLower(byte) || (0x41...0x5A).contains(byte) }
}
