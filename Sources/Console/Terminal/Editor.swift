import Dispatch
import FoundationEssentials
import Glibc
import Shared

/// Why a text could not be edited, with what to do.
struct EditorError: Error, CustomStringConvertible {
    let description: String
}

/// The user's editor, run on the terminal while the console is out of the way.
struct Editor: Sendable {
    let environment: [String: String]

    /// Waits until the editor ends; the console is out of the way and draws nothing meanwhile.
    /// - Returns: the new text; nil when it was left as it was. The file stays when the editor fails, and is named.
    func edit(_ text: String) async throws -> String? {
        // Waiting for a process blocks, so it has a thread of its own.
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue(label: "editor").async { continuation.resume(with: editBlocking(text)) }
        }
    }

    private func editBlocking(_ text: String) -> Result<String?, any Error> {
        let program = environment["KUBE_EDITOR"] ?? environment["VISUAL"] ?? environment["EDITOR"] ?? "vi"
        guard let path = keep(text) else {
            return .failure(EditorError(description: "no temporary file can be written in /tmp"))
        }
        let status = run(program, path)
        guard status == 0 else {
            return .failure(
                EditorError(description: "the editor \"\(program)\" ended with \(status); the text is kept in \(path)"))
        }
        guard let data = FileManager.default.contents(atPath: path) else {
            return .failure(EditorError(description: "\(path) is gone"))
        }
        unlink(path)
        let edited = String(decoding: data, as: UTF8.self)
        return .success(edited == text ? nil : edited)
    }

    /// Writes a text to a file of its own that only its user can read.
    /// - Returns: its path; nil when it can not be written.
    func keep(_ text: String) -> String? {
        var template = Array("/tmp/kconsole-edit-XXXXXX.yaml".utf8CString)
        let file = mkstemps(&template, 5)
        guard file >= 0 else { return nil }
        defer { close(file) }
        guard Array(text.utf8).writeAll(to: file) else { return nil }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Runs `sh -c 'EDITOR "$0"' FILE`, so that an editor with arguments works.
    private func run(_ program: String, _ path: String) -> Int32 {
        JobControl.runInFront("/bin/sh", ["-c", "\(program) \"$0\"", path], environment: environment)
    }
}
