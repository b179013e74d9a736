import Glibc
import Shared

/// `hostPath`: a file or folder of the node. Source: Kubernetes `hostpath` volume types.
enum HostPath {
    /// Makes what the type asks to be made and checks the rest.
    static func check(_ source: JSON) throws(ConfigError) -> String {
        let path = source["path"].string ?? ""
        let type = source["type"].string ?? ""
        guard path.hasPrefix("/"), !path.split(separator: "/").contains("..") else {
            throw ConfigError("hostPath \"\(path)\" is not an absolute path without \"..\"")
        }
        var info = stat()
        let exists = stat(path, &info) == 0
        switch type {
        case "DirectoryOrCreate":
            if !exists {
                do { try Files.makeFolder(path) } catch { throw ConfigError("hostPath \(path): \(error)") }
            } else if info.st_mode & S_IFMT != S_IFDIR {
                throw wrong("directory", path)
            }
        case "FileOrCreate":
            if !exists {
                do { try Files.replace(path, []) } catch { throw ConfigError("hostPath \(path): \(error)") }
            } else if info.st_mode & S_IFMT != S_IFREG {
                throw wrong("file", path)
            }
        case "Directory": if !exists || info.st_mode & S_IFMT != S_IFDIR { throw wrong("directory", path) }
        case "File": if !exists || info.st_mode & S_IFMT != S_IFREG { throw wrong("file", path) }
        case "Socket": if !exists || info.st_mode & S_IFMT != S_IFSOCK { throw wrong("socket", path) }
        case "CharDevice": if !exists || info.st_mode & S_IFMT != S_IFCHR { throw wrong("character device", path) }
        case "BlockDevice": if !exists || info.st_mode & S_IFMT != S_IFBLK { throw wrong("block device", path) }
        default:
            // Without a type nothing is checked; a missing folder is made, as container runtimes do.
            if !exists { do { try Files.makeFolder(path) } catch { throw ConfigError("hostPath \(path): \(error)") } }
        }
        return path
    }

    private static func wrong(_ what: String, _ path: String) -> ConfigError {
        ConfigError("hostPath type check failed: \(path) is not a \(what)")
    }
}
