import Glibc

/// Data that lies beside the package and is not part of it: `../shared`.
package enum SharedData {
    /// The folder's path, found from this file's.
    package static let folder: String = {
        var parts = #filePath.split(separator: "/").map(String.init)
        parts.removeLast(4)
        return "/" + parts.joined(separator: "/") + "/shared"
    }()

    /// Whether a file of it can be read; says so on standard output when it can not, so that a skip is seen.
    package static func has(_ name: String) -> Bool {
        let isThere = access("\(folder)/\(name)", R_OK) == 0
        if !isThere { print("SKIPPED: ../shared/\(name) is absent; what needs it is not tested.") }
        return isThere
    }
}
