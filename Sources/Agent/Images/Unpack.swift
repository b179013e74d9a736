import CLinux
import Glibc
import Shared

/// Writes the files of one layer into a folder, which becomes a lower layer of an overlay.
///
/// Every path is resolved as if the folder were the root (openat2 RESOLVE_IN_ROOT), so neither `..` nor a link that an
/// earlier entry made leads out of it. Device files are left out. Whiteouts become the overlay's own.
/// Source: OCI image-spec layer.md, Linux Documentation/filesystems/overlayfs.rst.
struct Unpack {
    private let root: Int32
    private var bytes: Int64 = 0
    private var entries = 0

    /// - Parameter root: an open folder, which stays the caller's.
    init(into root: Int32) { self.root = root }

    /// All files of the archive; the number of bytes written.
    mutating func run(_ reader: inout TarReader) throws -> Int64 {
        while let entry = try reader.next() {
            entries += 1
            guard entries <= Limits.layerFilesMax else { throw ArchiveError("a layer has too many files") }
            try write(entry, &reader)
        }
        return bytes
    }

    private mutating func write(_ entry: TarEntry, _ reader: inout TarReader) throws {
        let parts = try Unpack.parts(entry.path)
        guard let name = parts.last else { return try describe(root, ".", entry) }
        let parent = try folder(parts.dropLast())
        defer { close(parent) }
        if name == ".wh..wh..opq" {
            guard clinux_set_attribute(parent, "trusted.overlay.opaque", "y", 1) == 0 else { throw fault(entry) }
            return
        }
        if name.hasPrefix(".wh.") {
            let hidden = String(name.dropFirst(4))
            guard !hidden.isEmpty, hidden != ".", hidden != ".." else { throw ArchiveError("a whiteout has no name") }
            clear(parent, hidden)
            guard mknodat(parent, hidden, S_IFCHR, 0) == 0 else { throw fault(entry) }
            return
        }
        switch entry.kind {
        case .device: return
        case .folder:
            var info = stat()
            let isFolder = fstatat(parent, name, &info, AT_SYMLINK_NOFOLLOW) == 0 && info.st_mode & S_IFMT == S_IFDIR
            if !isFolder {
                clear(parent, name)
                guard mkdirat(parent, name, 0o755) == 0 else { throw fault(entry) }
            }
        case .file: try writeFile(parent, name, entry, &reader)
        case .symbolicLink:
            clear(parent, name)
            guard symlinkat(entry.linkTarget, parent, name) == 0 else { throw fault(entry) }
        case .hardLink:
            let target = try Unpack.parts(entry.linkTarget)
            guard let leaf = target.last else { throw ArchiveError("a hard link leads to the root") }
            let source = try folder(target.dropLast())
            defer { close(source) }
            if target == parts { return }
            clear(parent, name)
            guard linkat(source, leaf, parent, name, 0) == 0 else { throw fault(entry) }
            return
        case .fifo:
            clear(parent, name)
            guard mkfifoat(parent, name, 0o600) == 0 else { throw fault(entry) }
        }
        try describe(parent, name, entry)
    }

    private mutating func writeFile(_ parent: Int32, _ name: String, _ entry: TarEntry, _ reader: inout TarReader)
        throws
    {
        clear(parent, name)
        let file = clinux_open_at(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw fault(entry) }
        defer { close(file) }
        while let piece = try reader.body(most: 65_536) {
            bytes += Int64(piece.count)
            guard bytes <= Limits.layerBytesMax else { throw ArchiveError("a layer unpacks to too many bytes") }
            if let error = Files.writeAll(file, piece) {
                throw ArchiveError("\(entry.path) can not be written: \(error)")
            }
        }
        guard fchown(file, entry.uid, entry.gid) == 0 else { throw fault(entry) }
        // File capabilities and the like; after chown, which removes them.
        for (key, value) in entry.attributes where key == "security.capability" || key.hasPrefix("user.") {
            _ = clinux_set_attribute(file, key, value, value.count)
        }
    }

    /// Owner, mode and time.
    private func describe(_ parent: Int32, _ name: String, _ entry: TarEntry) throws {
        guard fchownat(parent, name, entry.uid, entry.gid, AT_SYMLINK_NOFOLLOW) == 0 else { throw fault(entry) }
        if entry.kind != .symbolicLink, fchmodat(parent, name, entry.mode, 0) != 0 { throw fault(entry) }
        let time = timespec(tv_sec: time_t(entry.modified), tv_nsec: 0)
        _ = utimensat(parent, name, [time, time], AT_SYMLINK_NOFOLLOW)
    }

    /// Opens a folder below the root; missing ones are made.
    private func folder(_ parts: some Collection<String>) throws -> Int32 {
        var current = clinux_open_in_root(root, ".", O_RDONLY | O_DIRECTORY, 0)
        var path = ""
        for part in parts {
            path += "/" + part
            var next = clinux_open_in_root(root, path, O_RDONLY | O_DIRECTORY, 0)
            if next < 0 && errno == ENOENT && mkdirat(current, part, 0o755) == 0 {
                next = clinux_open_in_root(root, path, O_RDONLY | O_DIRECTORY, 0)
            }
            let failure = Errno.last
            close(current)
            guard next >= 0 else { throw ArchiveError("the folder \(path) can not be made: \(failure)") }
            current = next
        }
        guard current >= 0 else { throw ArchiveError("the layer's folder can not be opened: \(Errno.last)") }
        return current
    }

    /// Removes what an earlier entry of this name left.
    private func clear(_ parent: Int32, _ name: String) {
        if unlinkat(parent, name, 0) != 0, errno == EISDIR || errno == EPERM {
            Files.removeAll("/proc/self/fd/\(parent)/\(name)")
        }
    }

    /// The parts of a path, without `.` and empty ones. Throws on `..` and over-long names.
    static func parts(_ path: String) throws -> [String] {
        let parts = path.split(separator: "/").map(String.init).filter { $0 != "." }
        guard path.utf8.count <= 4095, !path.utf8.contains(0), parts.count <= 256,
            parts.allSatisfy({ $0 != ".." && $0.utf8.count <= 255 })
        else { throw ArchiveError("the path \(path.prefix(100)) leads out of the image or is too long") }
        return parts
    }

    private func fault(_ entry: TarEntry) -> ArchiveError {
        ArchiveError("\(entry.path.prefix(200)) can not be unpacked: \(Errno.last)")
    }
}
