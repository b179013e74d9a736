import Foundation
package import Shared

/// The built programs: those beside the tests, or those of the folder that `KOTOHAJIME_PROGRAMS` names.
package enum Programs {
    package static let folder: String = {
        if let folder = ProcessInfo.processInfo.environment["KOTOHAJIME_PROGRAMS"] { return folder }
        return URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().path
    }()
    package static func path(_ name: String) -> String { "\(folder)/\(name)" }
    package static var isRoot: Bool { geteuid() == 0 }

    /// The newest kubectl that is installed, or nil.
    package static let kubectl: String? = versions.last?.path ?? Shell.find("kubectl")

    /// All versions of kubectl beside the installed one, oldest first.
    package static let versions: [(name: String, path: String)] = {
        guard let found = Shell.find("kubectl") else { return [] }
        let folder = URL(fileURLWithPath: found).resolvingSymlinksInPath().deletingLastPathComponent().path
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.hasPrefix("kubectl.1.") }.sorted().map { ($0, "\(folder)/\($0)") }
    }()

    /// A client with the rights of a kubeconfig's user.
    package static func client(_ kubeconfig: String) async throws -> Client {
        let config = try Kubeconfig.load([kubeconfig], isRequired: true)
        return Client(try await config.transport(), agent: "end-to-end")
    }
}
