import Glibc
import Shared

/// Where things are on this machine for this user.
struct Places: Sendable {
    let environment: [String: String]
    let isRoot: Bool

    static func current() -> Places { Places(environment: environmentVariables(), isRoot: geteuid() == 0) }

    /// Root's state is the machine's, a user's is in the XDG state folder.
    var state: String { isRoot ? "/var/lib/kotohajime" : userState }

    private var userState: String {
        if let folder = environment["XDG_STATE_HOME"], folder.hasPrefix("/") { return folder + "/kotohajime" }
        return (environment["HOME"] ?? "/tmp") + "/.local/state/kotohajime"
    }

    /// Tells where a cluster runs: one of root's is known to everybody, one of a user's to that user.
    var pointer: String { isRoot ? Places.rootPointer : userState + "/running.json" }
    static let runFolder = "/run/kotohajime"
    static let rootPointer = runFolder + "/cluster.json"

    /// The cluster that runs on this machine, as far as this user may know: an own one first.
    var running: ClusterRecord? {
        let paths = isRoot ? [Places.rootPointer] : [userState + "/running.json", Places.rootPointer]
        for path in paths { if let record = ClusterRecord.read(path) { return record } }
        return nil
    }

    /// A program of this project: next to the running one.
    /// - Throws: a sentence that says how to get it.
    func program(_ name: String) throws(Failure) -> String {
        let own = SystemFiles.link("/proc/self/exe") ?? ""
        let folder = own.lastIndex(of: "/").map { String(own[..<$0]) } ?? "."
        let path = folder + "/" + name
        guard access(path, X_OK) == 0 else {
            throw Failure("The program \(name) is not in \(folder), next to kconsole; build all of them with: make build")
        }
        return path
    }

    /// Who called sudo: files that they must read become theirs. Nil without sudo.
    var caller: (user: uid_t, group: gid_t)? {
        guard isRoot, let user = environment["SUDO_UID"].flatMap({ uid_t($0) }),
            let group = environment["SUDO_GID"].flatMap({ gid_t($0) }), user != 0
        else { return nil }
        return (user, group)
    }

    /// Everything that this process was started with.
    static func environmentVariables() -> [String: String] {
        var variables: [String: String] = [:]
        var next = environ
        while let entry = next.pointee {
            let text = String(cString: entry)
            if let equals = text.firstIndex(of: "=") {
                variables[String(text[..<equals])] = String(text[text.index(after: equals)...])
            }
            next += 1
        }
        return variables
    }
}
