import Glibc
import Shared

/// `kagent`: runs the pods of one node. Composition only.
@main
struct Agent {
    static func main() async {
        let words = Array(CommandLine.arguments.dropFirst())
        do {
            switch words.first {
            case "sample":
                let code = try await SampleCommand.run(Array(words.dropFirst()))
                exit(code)
            case "images": return try await images(Array(words.dropFirst()))
            default: break
            }
            let arguments = try Arguments(words, for: AgentSettings.command)
            if arguments.wantsHelp { return print(AgentSettings.command.help) }
            if arguments.has("version") {
                return print("kagent \(Version.current) (Kubernetes \(Version.kubernetes))")
            }
            try await AgentProgram(try AgentSettings(arguments)).run()
        } catch let error as UsageError {
            end(error.description, code: 2)
        } catch is CancellationError {
        } catch {
            end("\(error)", code: 1)
        }
    }

    private static func end(_ sentence: String, code: Int32) -> Never {
        let bytes = Array("kagent: \(sentence)\n".utf8)
        _ = bytes.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
        exit(code)
    }

    private static func images(_ words: [String]) async throws {
        let command = Command(
            name: "kagent images", summary: "Lists, imports and removes the images of a node.",
            operands: "list|import FILE|pull IMAGE|remove IMAGE",
            flags: [.init("state", .one("DIR"), help: "the agent's --state")])
        let arguments = try Arguments(words, for: command)
        if arguments.wantsHelp || arguments.operands.isEmpty { return print(command.help) }
        let state = arguments["state"] ?? AgentSettings.defaultState + "/" + Machine.hostname
        let text = try await ImagesCommand.run(arguments.operands, folders: RuntimeFolders(state: state))
        if !text.isEmpty { print(text) }
    }
}
