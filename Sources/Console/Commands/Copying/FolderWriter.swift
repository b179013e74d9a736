import Glibc
import Shared
import Synchronization

/// Unpacks an archive of a container into a folder of this machine, as it arrives. The container is a stranger: nothing
/// is written outside of the folder, and links are left out. A class: it owns the file that is being written.
final class FolderWriter: Sendable {
    private struct State {
        var reader = TarReader()
        var file: Int32 = -1
        var failure: Failure?
        var skipped = 0
    }
    private let state = Mutex(State())
    private let folder: String

    init(_ folder: String) { self.folder = folder }
    deinit { state.withLock { if $0.file >= 0 { close($0.file) } } }

    /// Takes in a piece; after a failure nothing more is written.
    func take(_ bytes: [UInt8]) {
        state.withLock { state in
            guard state.failure == nil else { return }
            do throws(Failure) {
                for event in try state.reader.read(bytes) {
                    switch event {
                    case .entry(let entry): try begin(entry, &state)
                    case .content(let content):
                        guard state.file >= 0 else { continue }
                        guard content.writeAll(to: state.file) else {
                            throw Failure(
                                "A file can not be written: \(String(cString: strerror(errno))); is the disk full?")
                        }
                    }
                }
            } catch { state.failure = error }
        }
    }

    /// - Returns: how many links and special files were left out.
    /// - Throws: why not everything was written.
    func finish() throws(Failure) -> Int {
        let (failure, isComplete, skipped) = state.withLock { state in
            if state.file >= 0 { close(state.file) }
            state.file = -1
            return (state.failure, state.reader.isComplete, state.skipped)
        }
        if let failure { throw failure }
        guard isComplete else { throw Failure("The connection ended before everything was copied to \(folder).") }
        return skipped
    }

    private func begin(_ entry: Tar.Entry, _ state: inout State) throws(Failure) {
        if state.file >= 0 { close(state.file) }
        state.file = -1
        guard let name = FolderWriter.safe(entry.name) else {
            throw Failure(
                "The container sent a file with the name \"\(SafeLine.clean(entry.name))\", which lies outside of \(folder); nothing more was copied."
            )
        }
        let path = name.isEmpty ? folder : "\(folder)/\(name)"
        switch entry.kind {
        case .folder: try SystemFiles.makeFolder(path)
        case .file:
            let parent = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? folder
            try SystemFiles.makeFolder(parent)
            state.file = open(
                path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode_t(entry.mode & 0o777 | 0o600))
            guard state.file >= 0 else {
                throw Failure("\(path) can not be written: \(String(cString: strerror(errno))).")
            }
        default: state.skipped += 1
        }
    }

    /// The name below the folder; nil when it leads out of it.
    static func safe(_ name: String) -> String? {
        guard !name.hasPrefix("/"), !name.utf8.contains(0), name.utf8.count < 4_096 else { return nil }
        let parts = name.split(separator: "/").filter { $0 != "." }
        return parts.contains("..") ? nil : parts.joined(separator: "/")
    }
}
