import Shared

/// `kagent images list|import|remove`: the text that it prints.
enum ImagesCommand {
    static func run(_ words: [String], folders: RuntimeFolders) async throws(RuntimeFailure) -> String {
        let store = ImageStore(folder: folders.images)
        switch (words.first, words.count) {
        case ("list", 1):
            let rows = store.list().map { "\($0.reference)\t\($0.id.prefix(19))\t\($0.bytes >> 20) MiB" }
            return rows.joined(separator: "\n")
        case ("import", 2):
            return try ImageImport.run(words[1], into: store).map { "imported \($0.reference)" }.joined(separator: "\n")
        case ("pull", 2):
            return "present \(try await store.ensure(words[1], policy: .always, credentials: []).reference)"
        case ("remove", 2):
            try store.remove(words[1])
            return "removed \(words[1])"
        default:
            throw RuntimeFailure(
                .unsupported, "Use \"kagent images list\", \"import FILE\", \"pull IMAGE\" or \"remove IMAGE\".")
        }
    }
}
