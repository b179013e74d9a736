import CLinux
import Glibc

/// A network namespace with a name: a file that the namespace is bound to, `/run/kotohajime/netns/node-1`.
///
/// It lives until `delete`, whether a process is in it or not. Needs root. Source: man 7 network_namespaces.
package struct NetworkNamespace: Hashable, Sendable {
    package static let directory = "/run/kotohajime/netns"
    package let path: String

    /// Names the namespace; makes nothing yet. `name` must be a DNS label.
    package init(name: String, directory: String = NetworkNamespace.directory) {
        precondition(!name.isEmpty && !name.utf8.contains(UInt8(ascii: "/")), "A namespace's name is one path part.")
        path = "\(directory)/\(name)"
    }

    /// Makes the namespace with its loopback interface up.
    /// - Throws: `NetlinkError`; EEXIST when there is one of that name.
    package func create() throws(NetlinkError) {
        makeDirectories()
        let file = Glibc.open(path, O_CREAT | O_EXCL | O_RDONLY | O_CLOEXEC, 0o444)
        guard file >= 0 else { throw NetlinkError(code: errno, purpose: "make \(path)") }
        close(file)
        guard clinux_network_namespace_create(path) == 0 else {
            let code = errno
            unlink(path)
            throw NetlinkError(code: code, purpose: "make the network namespace \(path)")
        }
        let descriptor = try open()
        defer { close(descriptor) }
        var netlink = try NetlinkSocket(.route, in: descriptor)
        try netlink.perform(Link.set(index: 1, up: true))
    }

    /// Opens the namespace; the caller closes the descriptor.
    package func open() throws(NetlinkError) -> Int32 {
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw NetlinkError(code: errno, purpose: "open the network namespace \(path)") }
        return descriptor
    }

    package var exists: Bool { access(path, F_OK) == 0 }

    /// Removes the name; the namespace itself ends with its last process. One that is not there is no error.
    package func delete() throws(NetlinkError) {
        if clinux_network_namespace_unbind(path) != 0, errno != EINVAL, errno != ENOENT {
            throw NetlinkError(code: errno, purpose: "release the network namespace \(path)")
        }
        if unlink(path) != 0, errno != ENOENT { throw NetlinkError(code: errno, purpose: "remove \(path)") }
    }

    /// Runs `body` with the calling thread inside the namespace; sockets opened there stay there.
    ///
    /// `body` cannot suspend, so nothing else runs on the thread meanwhile.
    package func run<Result>(_ body: () throws -> Result) throws -> Result {
        let descriptor = try open()
        defer { close(descriptor) }
        return try NetworkNamespace.run(in: descriptor, body)
    }

    /// The same for a namespace that is open already.
    package static func run<Result>(in descriptor: Int32, _ body: () throws -> Result) throws -> Result {
        let own = clinux_network_namespace_own()
        guard own >= 0 else { throw NetlinkError(code: errno, purpose: "open the own network namespace") }
        defer { close(own) }
        guard clinux_network_namespace_enter(descriptor) == 0 else {
            throw NetlinkError(code: errno, purpose: "enter a network namespace")
        }
        defer {
            precondition(clinux_network_namespace_enter(own) == 0, "A thread cannot return to its own network.")
        }
        return try body()
    }

    private func makeDirectories() {
        var path = ""
        for part in self.path.split(separator: "/").dropLast() {
            path += "/\(part)"
            mkdir(path, 0o755)
        }
    }
}
