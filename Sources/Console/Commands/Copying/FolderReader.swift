import Glibc
import Shared

/// A folder of this machine as a tar archive.
struct FolderReader: Sendable {
    private struct Item: Sendable {
        let path: String
        let entry: Tar.Entry
    }
    private let items: [Item]
    /// Bytes of the whole archive.
    let size: Int

    /// Looks at everything in the folder. What is neither a file, a folder nor a link is left out.
    /// - Throws: a sentence when there is too much.
    init(_ folder: String) throws(Failure) {
        var items: [Item] = []
        var waiting = [(folder, "")]
        while let (path, name) = waiting.popLast() {
            for child in SystemFiles.names(path) {
                let (whole, inner) = ("\(path)/\(child)", name + child)
                var status = stat()
                guard lstat(whole, &status) == 0 else { continue }
                var entry = Tar.Entry(
                    kind: nil, name: inner, mode: status.st_mode & 0o7777, modified: status.st_mtim.tv_sec)
                switch status.st_mode & S_IFMT {
                case S_IFREG:
                    entry.kind = .file
                    entry.size = Int(status.st_size)
                case S_IFDIR:
                    entry.kind = .folder
                    entry.name += "/"
                    waiting.append((whole, inner + "/"))
                case S_IFLNK:
                    entry.kind = .link
                    entry.target = SystemFiles.link(whole) ?? ""
                default: continue
                }
                items.append(Item(path: whole, entry: entry))
                guard items.count <= Limits.copyFilesMax else {
                    throw Failure("\(folder) holds more than \(Limits.copyFilesMax) files; copy its parts.")
                }
            }
        }
        self.items = items
        size =
            items.reduce(Tar.end.count) {
                $0 + Tar.header($1.entry).count + $1.entry.size + Tar.padding($1.entry.size)
            }
    }

    /// Writes the archive, exactly `size` bytes: a file that shrinks meanwhile is filled up, one that grows is cut.
    /// - Returns: false when nobody reads it any more.
    func write(to descriptor: Int32) -> Bool {
        for item in items {
            guard Tar.header(item.entry).writeAll(to: descriptor) else { return false }
            guard item.entry.kind == .file else { continue }
            let file = open(item.path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
            defer { if file >= 0 { close(file) } }
            var rest = item.entry.size
            var room = [UInt8](repeating: 0, count: 65_536)
            while rest > 0, file >= 0 {
                let count = read(file, &room, min(rest, room.count))
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { break }
                guard Array(room[..<count]).writeAll(to: descriptor) else { return false }
                rest -= count
            }
            rest += Tar.padding(item.entry.size)
            while rest > 0 {
                let count = min(rest, 65_536)
                guard [UInt8](repeating: 0, count: count).writeAll(to: descriptor) else { return false }
                rest -= count
            }
        }
        return Tar.end.writeAll(to: descriptor)
    }
}
