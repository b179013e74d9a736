import CLinux
import Glibc

/// Where kubeconfigs are, and reading and writing them.
extension Kubeconfig {
    /// Reads the text of a file into values: YAML, of which JSON is a part.
    package typealias Reader = (_ bytes: [UInt8], _ path: String) throws -> JSON

    /// Takes the first document of the file. Errors name file, line and column.
    package static func yaml(_ bytes: [UInt8], path: String) throws -> JSON {
        try YAML.parse(bytes, file: path).first?.value ?? .null
    }

    /// The files of `KUBECONFIG` in their order, or `~/.kube/config`.
    package static func paths(environment: [String: String], explicit: String? = nil) -> [String] {
        if let explicit { return [explicit] }
        let listed = (environment["KUBECONFIG"] ?? "").split(separator: ":").map(String.init)
        if !listed.isEmpty { return listed }
        return (environment["HOME"]).map { ["\($0)/.kube/config"] } ?? []
    }

    /// Reads and merges files. One that does not exist counts as empty, unless it is the only one and `isRequired`.
    package static func load(_ paths: [String], isRequired: Bool = false, read: Reader = yaml) throws -> Kubeconfig {
        var documents: [(json: JSON, folder: String)] = []
        for path in paths {
            guard let bytes = try file(path) else {
                if isRequired, paths.count == 1 {
                    throw KubeconfigError(
                        "there is no kubeconfig at \(path); name another one with --kubeconfig or run kconsole up")
                }
                continue
            }
            let json = bytes.isEmpty ? empty : try read(bytes, path)
            guard json.object != nil || json.isNull else {
                throw KubeconfigError("\(path) is not a kubeconfig: it is no mapping")
            }
            documents.append((json.isNull ? empty : json, folder(of: path)))
        }
        return Kubeconfig(documents)
    }

    /// Replaces the file in one step, mode 0600, folder made where it is missing. It is written as YAML.
    package func write(to path: String, encode: (JSON) -> [UInt8] = { Array(YAML.emit($0).utf8) })
        throws
    {
        let folder = Kubeconfig.folder(of: path)
        if folder != ".", mkdir(folder, 0o700) != 0, errno != EEXIST {
            throw NetError("make the folder \(folder)", errno: errno)
        }
        try PrivateFile.write(path, encode(json))
    }

    static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// A path of a kubeconfig, seen from the folder of its file.
    static func resolve(_ path: String, in folder: String) -> String {
        path.hasPrefix("/") || folder.isEmpty ? path : "\(folder)/\(path)"
    }

    /// Nil when the file does not exist. At most 16 MiB.
    static func file(_ path: String) throws -> [UInt8]? {
        let descriptor = Descriptor(clinux_open(path, O_RDONLY | O_CLOEXEC, 0))
        guard descriptor.raw >= 0 else {
            if errno == ENOENT { return nil }
            throw NetError("read \(path)", errno: errno)
        }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = Glibc.read(descriptor.raw, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw NetError("read \(path)", errno: errno) }
            if count == 0 { return bytes }
            bytes += piece[..<count]
            guard bytes.count <= Limits.kubeconfigBytesMax else {
                throw KubeconfigError("\(path) is too large for a kubeconfig")
            }
        }
    }
}
