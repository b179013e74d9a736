import Dispatch
import Glibc
import Shared

/// `kconsole cp`: copies files and folders into and out of containers.
enum CopyCommand {
    static let verb = Verb(
        "cp", "Copy a file or a folder into or out of a container.",
        operands: "[NAMESPACE/]POD:PATH LOCAL | LOCAL [NAMESPACE/]POD:PATH",
        flags: [.init("container", short: "c", .one("NAME"), help: "which container (default: the first)")],
        notes:
            "A file needs a shell in the image, a folder also tar. Links are not followed, and not made on this machine.\n"
            + "Example: kconsole cp web-1:/etc/hostname ./hostname",
        completes: .pods, run: run)

    /// A side of a copy. Pure.
    enum Place: Equatable, Sendable {
        case local(String)
        case remote(namespace: String?, pod: String, path: String)

        /// `POD:PATH` and `NS/POD:PATH` are in a pod; what begins with `/`, `.` or has no colon is local.
        init(_ text: String) {
            guard let colon = text.firstIndex(of: ":"), !text.hasPrefix("/"), !text.hasPrefix("."),
                colon != text.startIndex
            else {
                self = .local(text)
                return
            }
            let parts = text[..<colon].split(separator: "/", omittingEmptySubsequences: false).map(String.init)
            let path = String(text[text.index(after: colon)...])
            switch parts.count {
            case 1: self = .remote(namespace: nil, pod: parts[0], path: path)
            case 2: self = .remote(namespace: parts[0], pod: parts[1], path: path)
            default: self = .local(text)
            }
        }
    }

    private static func run(_ call: Invocation) async throws -> Int32 {
        guard call.operands.count == 2 else { throw call.usage("cp needs a source and a destination") }
        switch (Place(call.operands[0]), Place(call.operands[1])) {
        case (.remote(let namespace, let pod, let path), .local(let file)):
            return try await download(call, namespace, pod, path, file)
        case (.local(let file), .remote(let namespace, let pod, let path)):
            return try await upload(call, namespace, pod, path, file)
        default: throw call.usage("one side is POD:PATH, the other a file of this machine")
        }
    }

    private static func session(_ call: Invocation, _ namespace: String?) async throws -> Session {
        let session = try await call.session()
        guard let namespace else { return session }
        return Session(
            client: session.client, namespace: namespace, contextName: session.contextName, server: session.server)
    }

    private static func download(
        _ call: Invocation, _ namespace: String?, _ pod: String, _ path: String, _ file: String
    ) async throws -> Int32 {
        let session = try await session(call, namespace)
        let name = path.split(separator: "/").last.map(String.init) ?? ""
        if try await isFolder(path, call, session, pod) {
            return try await downloadFolder(call, session, pod, path, file)
        }
        let target = SystemFiles.isFolder(file) ? "\(file)/\(name)" : file
        let descriptor = open(target, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw Failure("\(target) can not be written: \(String(cString: strerror(errno))).")
        }
        defer { close(descriptor) }
        let code = try await transfer(call, session, pod, ["/bin/sh", "-c", "exec cat \"$0\"", path], input: nil) {
            StandardBytes.write($0, to: descriptor)
        }
        if code != 0 { unlink(target) }
        return code
    }

    private static func upload(
        _ call: Invocation, _ namespace: String?, _ pod: String, _ path: String, _ file: String
    ) async throws -> Int32 {
        let session = try await session(call, namespace)
        if SystemFiles.isFolder(file) { return try await uploadFolder(call, session, pod, path, file) }
        let descriptor = open(file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure("\(file) can not be read: \(String(cString: strerror(errno))).") }
        defer { close(descriptor) }
        let name = file.split(separator: "/").last.map(String.init) ?? ""
        // The count of bytes tells the end, so that a connection that can not half-close works too.
        var status = stat()
        fstat(descriptor, &status)
        let script =
            "t=\"$0\"; [ -d \"$t\" ] && t=\"$t/$1\"; head -c \"$2\" > \"$t.part\" && mv \"$t.part\" \"$t\""
        let program = ["/bin/sh", "-c", script, path, name, "\(status.st_size)"]
        return try await transfer(call, session, pod, program, input: descriptor) {
            StandardBytes.write($0, to: STDOUT_FILENO)
        }
    }

    // MARK: Folders.

    private static func isFolder(_ path: String, _ call: Invocation, _ session: Session, _ pod: String) async throws
        -> Bool
    {
        let code = try await transfer(call, session, pod, ["/bin/sh", "-c", "[ ! -d \"$0\" ]", path], input: nil) { _ in
        }
        return code == 1
    }

    /// What lies in the folder of the container then lies in the folder of this machine.
    private static func downloadFolder(
        _ call: Invocation, _ session: Session, _ pod: String, _ path: String, _ folder: String
    ) async throws -> Int32 {
        try SystemFiles.makeFolder(folder)
        let writer = FolderWriter(folder)
        let code = try await transfer(
            call, session, pod, ["/bin/sh", "-c", "exec tar -cf - -C \"$0\" .", path], input: nil
        ) { writer.take($0) }
        guard code == 0 else { throw tarFailure(code) }
        let skipped = try writer.finish()
        if skipped > 0 { call.remark("Links and special files were left out (\(skipped)).") }
        return 0
    }

    /// Into a folder that is there the folder is put under its own name; else it gets the new name.
    private static func uploadFolder(
        _ call: Invocation, _ session: Session, _ pod: String, _ path: String, _ folder: String
    ) async throws -> Int32 {
        let archive = try FolderReader(folder)
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw Failure("No pipe can be made: \(String(cString: strerror(errno))).") }
        let (reading, writing) = (ends[0], ends[1])
        // Writing to the pipe blocks, so it has a thread of its own; it ends when the pipe's other side is closed.
        DispatchQueue(label: "archive").async {
            _ = archive.write(to: writing)
            close(writing)
        }
        defer { close(reading) }
        let name = folder.split(separator: "/").last.map(String.init) ?? "copy"
        // The count of bytes tells the end, as for one file.
        let script =
            "t=\"$0\"; [ -d \"$t\" ] && t=\"$t/$1\"; mkdir -p \"$t\" && head -c \"$2\" | tar -xf - -C \"$t\""
        let code = try await transfer(
            call, session, pod, ["/bin/sh", "-c", script, path, name, "\(archive.size)"], input: reading
        ) { StandardBytes.write($0, to: STDOUT_FILENO) }
        guard code == 0 else { throw tarFailure(code) }
        return 0
    }

    private static func tarFailure(_ code: Int32) -> Failure {
        Failure(
            code == 127
                ? "The image has no tar, which copying a folder needs; copy its files one by one."
                : "tar in the container ended with \(code); not everything was copied.")
    }

    /// Runs a program in the container with a file as its input, and hands out what it writes.
    private static func transfer(
        _ call: Invocation, _ session: Session, _ pod: String, _ program: [String], input: Int32?,
        _ output: @escaping @Sendable ([UInt8]) -> Void
    ) async throws -> Int32 {
        guard let found = try await PodChoice.pods(pod, session).first else { throw Failure("\(pod) has no pods.") }
        let container = try PodChoice.container(found, call.arguments["container"])
        return try await ExecSession(
            session, pod: Object(found).name, container: container, program: program, hasInput: input != nil,
            isTTY: false
        ).run(input: input, output: output)
    }
}
