import Shared

/// The formats of texts that are checked; others are passed over, as Kubernetes does.
/// Source: go-openapi `strfmt`, apiextensions `supportedFormats`.
enum StringFormat: String, Sendable {
    case dateTime = "date-time"
    case date
    case duration
    case ipv4
    case ipv6
    case cidr
    case mac
    case uuid
    case uuid3
    case uuid4
    case uuid5
    case email
    case hostname
    case uri
    case byte
    case bsonobjectid
    case hexcolor

    func holds(_ text: String) -> Bool {
        switch self {
        case .dateTime: Timestamp(rfc3339: text) != nil
        case .date: text.utf8.count == 10 && Timestamp(rfc3339: "\(text)T00:00:00Z") != nil
        case .duration: Duration(parsing: text) != nil
        case .ipv4: IPv4Address(text) != nil
        case .ipv6: IPAddress(text)?.isIPv6 ?? false
        case .cidr: IPAddress.isPrefix(text)
        case .mac: StringFormat.macPattern.occurs(in: text)
        case .uuid: StringFormat.isUUID(text, version: nil)
        case .uuid3: StringFormat.isUUID(text, version: "3")
        case .uuid4: StringFormat.isUUID(text, version: "4")
        case .uuid5: StringFormat.isUUID(text, version: "5")
        case .email: StringFormat.emailPattern.occurs(in: text)
        case .hostname: text.utf8.count <= 255 && StringFormat.hostnamePattern.occurs(in: text)
        case .uri: StringFormat.uriPattern.occurs(in: text)
        case .byte: text.utf8.count % 4 == 0 && StringFormat.base64.occurs(in: text)
        case .bsonobjectid: text.utf8.count == 24 && text.utf8.allSatisfy(\.isHexDigit)
        case .hexcolor: StringFormat.color.occurs(in: text)
        }
    }

    private static let macPattern = known("^([0-9A-Fa-f]{2}[:-]){5}([0-9A-Fa-f]{2})$")
    private static let emailPattern = known("^[^@\\s<>]+@[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$")
    private static let hostnamePattern = known(
        "^([a-zA-Z0-9_]([a-zA-Z0-9_-]{0,61}[a-zA-Z0-9_])?)(\\.[a-zA-Z0-9_]([a-zA-Z0-9_-]{0,61}[a-zA-Z0-9_])?)*\\.?$")
    private static let uriPattern = known("^[A-Za-z][A-Za-z0-9+.-]*:[^\\s]*$|^/[^\\s]*$")
    private static let base64 = known("^[A-Za-z0-9+/]*={0,2}$")
    private static let color = known("^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$")

    private static func known(_ text: String) -> Pattern {
        do { return try Pattern(text) } catch { preconditionFailure("the built-in pattern \(text) is \(error)") }
    }

    private static func isUUID(_ text: String, version: Unicode.Scalar?) -> Bool {
        let plain = text.unicodeScalars.filter { $0 != "-" }
        guard plain.count == 32, plain.allSatisfy({ $0.properties.isASCIIHexDigit }) else { return false }
        guard let version else { return true }
        return plain[plain.index(plain.startIndex, offsetBy: 12)] == version
    }
}

extension UInt8 {
    fileprivate var isHexDigit: Bool {
        (0x30...0x39).contains(self) || (0x41...0x46).contains(self) || (0x61...0x66).contains(self)
    }
}
