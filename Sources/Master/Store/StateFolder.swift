import Glibc
import Shared

/// The folder in which a master keeps everything: mode 0700, files in it 0600.
struct StateFolder: Sendable {
    let path: String

    /// Makes the folder where it is missing.
    /// - Throws: one sentence that names the path.
    init(_ path: String) throws(UsageError) {
        self.path = path
        for folder in [path, path + "/pki"] { try StateFolder.make(folder) }
    }

    private static func make(_ path: String) throws(UsageError) {
        var made = ""
        for part in path.split(separator: "/", omittingEmptySubsequences: true) {
            made += (made.isEmpty && !path.hasPrefix("/") ? "" : "/") + part
            if mkdir(made, 0o700) != 0, errno != EEXIST {
                throw UsageError(
                    "the state folder \(path) can not be made: \(String(cString: strerror(errno))); choose another with --state"
                )
            }
        }
    }

    /// The file's bytes; nil when it does not exist.
    func read(_ name: String) throws -> [UInt8]? {
        try PrivateFile.read(path + "/" + name)
    }

    func write(_ name: String, _ bytes: [UInt8]) throws { try PrivateFile.write(path + "/" + name, bytes) }

    /// The private key of a file, made when there is none.
    func key(_ name: String) throws -> PrivateKey {
        if let pem = try read(name) { return try PrivateKey(pem: pem) }
        let key = try PrivateKey.generate()
        try write(name, key.pem)
        return key
    }
}
