import Glibc
import Shared

/// `kconsole cp`: copies files into and out of containers.
enum CopyCommand {
    static let verb = Verb(
        "cp", "Copy a file into or out of a container.",
        operands: "[NAMESPACE/]POD:PATH LOCAL | LOCAL [NAMESPACE/]POD:PATH",
        flags: [.init("container", short: "c", .one("NAME"), help: "which container (default: the first)")],
        notes:
            "Works with every image that has a shell. A folder is not copied: pack it first, with kconsole exec POD -- tar.\n"
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
        let target = SystemFiles.isFolder(file) ? "\(file)/\(name)" : file
        let descriptor = open(target, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw Failure("\(target) can not be written: \(String(cString: strerror(errno))).")
        }
        defer { close(descriptor) }
        let program = [
            "/bin/sh", "-c", "[ -d \"$0\" ] && { echo \"$0 is a folder\" >&2; exit 21; }; exec cat \"$0\"", path,
        ]
        let code = try await transfer(call, session, pod, program, input: nil) {
            StandardBytes.write($0, to: descriptor)
        }
        if code != 0 { unlink(target) }
        return code
    }

    private static func upload(
        _ call: Invocation, _ namespace: String?, _ pod: String, _ path: String, _ file: String
    ) async throws -> Int32 {
        let session = try await session(call, namespace)
        guard !SystemFiles.isFolder(file) else {
            throw Failure("\(file) is a folder; pack it first, such as with tar.")
        }
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
