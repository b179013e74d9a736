import Glibc

/// The names of time zones, as the machine's own database has them. Source: man 5 tzfile, the IANA database.
enum TimeZoneNames {
    private static let folders = ["/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo"]

    /// Whether a name such as `Europe/Berlin` is known; on a machine without the database every well-formed name is.
    static func isKnown(_ name: String) -> Bool {
        guard isWellFormed(name) else { return false }
        if name == "UTC" { return true }
        guard let folder = folders.first(where: { access($0, R_OK) == 0 }) else { return true }
        return access("\(folder)/\(name)", R_OK) == 0
    }

    private static func isWellFormed(_ name: String) -> Bool {
        guard !name.isEmpty, name.utf8.count <= 128 else { return false }
        return name.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { part in
            !part.isEmpty && part != "." && part != ".."
                && part.utf8.allSatisfy { byte in
                    (0x61...0x7A).contains(byte) || (0x41...0x5A).contains(byte) || (0x30...0x39).contains(byte)
                        || byte == 0x2D || byte == 0x5F || byte == 0x2B
                }
        }
    }
}
