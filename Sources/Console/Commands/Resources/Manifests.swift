import Glibc
import Shared

/// One object of a manifest, with the place it stands at.
struct ManifestObject: Sendable {
    var json: JSON
    /// The file's path, or `-`.
    let file: String
    /// From 1 in its file.
    let document: Int
    let line: Int
    /// The document, for the lines of fields; nil for an item of a List.
    let source: YAMLDocument?

    var place: String { "\(file == "-" ? "standard input" : file), document \(document), line \(line)" }
}

/// Reads manifests: files, folders and standard input; YAML or JSON, many documents in one.
enum Manifests {
    static let flags: [Shared.Command.Flag] = [
        .init("filename", short: "f", .many("FILE"), help: "manifest file or folder, or - for standard input"),
        .init("recursive", short: "R", help: "also read the folders in a folder"),
    ]

    /// - Throws: one sentence that names file, document, line and field.
    static func read(_ arguments: Arguments) throws -> [ManifestObject] {
        var objects: [ManifestObject] = []
        for path in arguments.all("filename") {
            if path == "-" {
                objects += try parse(try standardInput(), file: "-")
                continue
            }
            for file in try files(path, isDeep: arguments.has("recursive"), isNamed: true) {
                guard let bytes = try PrivateFile.read(file) else {
                    throw Failure("There is no file \(file); check the path after -f.")
                }
                guard bytes.count <= Limits.manifestBytesMax else {
                    throw Failure("\(file) is larger than \(Limits.manifestBytesMax >> 20) MiB, which is no manifest.")
                }
                objects += try parse(bytes, file: file)
            }
        }
        return objects
    }

    /// A folder stands for its .yaml, .yml and .json files in order.
    private static func files(_ path: String, isDeep: Bool, isNamed: Bool) throws -> [String] {
        guard SystemFiles.isFolder(path) else { return [path] }
        var found: [String] = []
        for name in SystemFiles.names(path) {
            let whole = path.hasSuffix("/") ? path + name : "\(path)/\(name)"
            if SystemFiles.isFolder(whole) {
                if isDeep { found += try files(whole, isDeep: true, isNamed: false) }
            } else if [".yaml", ".yml", ".json"].contains(where: { name.hasSuffix($0) }) {
                found.append(whole)
            }
            guard found.count <= Limits.manifestFilesMax else {
                throw Failure("\(path) holds more than \(Limits.manifestFilesMax) files.")
            }
        }
        if found.isEmpty, isNamed { throw Failure("\(path) holds no .yaml, .yml or .json file.") }
        return found
    }

    private static func standardInput() throws -> [UInt8] {
        var bytes: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(STDIN_FILENO, &room, room.count)
            if count < 0, errno == EINTR { continue }
            if count <= 0 { return bytes }
            bytes += room[..<count]
            guard bytes.count <= Limits.manifestBytesMax else {
                throw Failure("Standard input is too large for a manifest.")
            }
        }
    }

    /// Reads the objects of one file; a List is taken apart.
    static func parse(_ bytes: [UInt8], file: String) throws -> [ManifestObject] {
        var objects: [ManifestObject] = []
        for document in try YAML.parse(bytes, file: file == "-" ? "standard input" : file)
        where !document.isEmpty && !document.value.isNull {
            let object = ManifestObject(
                json: document.value, file: file, document: document.number, line: document.line, source: document)
            try check(object)
            let json = document.value
            if json["kind"].string?.hasSuffix("List") == true, let items = json["items"].array {
                for (index, item) in items.enumerated() {
                    let line = document.line(of: [.key("items"), .index(index)]) ?? document.line
                    let part = ManifestObject(
                        json: item, file: file, document: document.number, line: line, source: nil)
                    try check(part)
                    objects.append(part)
                }
            } else {
                objects.append(object)
            }
        }
        return objects
    }

    /// - Throws: what an object needs before it can be sent at all.
    private static func check(_ object: ManifestObject) throws(Failure) {
        guard object.json.object != nil else {
            throw Failure("\(object.place): an object is expected here, not \(object.json.text.prefix(40)).")
        }
        for field in ["apiVersion", "kind"] {
            guard let text = object.json[field].string, !text.isEmpty else {
                let line = object.source?.line(of: [.key(field)]) ?? object.line
                let place = ManifestObject(
                    json: .null, file: object.file, document: object.document, line: line, source: nil
                ).place
                throw Failure(
                    "\(place), field \(field): \(object.json[field].isNull ? "it is missing" : "a text is expected"); every object has one."
                )
            }
        }
        let metadata = object.json["metadata"]
        guard metadata.isNull || metadata.object != nil else {
            throw Failure("\(object.place), field metadata: an object is expected.")
        }
    }

    /// What the server says about an object, with the place of the field that it names.
    static func failure(_ status: Status, _ object: ManifestObject) -> Failure {
        var places: [String] = []
        let fields = status.causes.map(\.field) + unknownFields(status.message)
        for field in fields where !field.isEmpty {
            let line = object.source?.line(of: path(field)) ?? object.source?.line(of: path(field).dropLast())
            places.append("line \(line ?? object.line), field \(field)")
        }
        let file = object.file == "-" ? "standard input" : object.file
        let place = places.isEmpty ? "line \(object.line)" : places.joined(separator: "; ")
        return Failure("\(file), document \(object.document), \(place): \(ErrorText.sentence(status))")
    }

    /// The fields that a strict server names: `unknown field "spec.foo"`.
    static func unknownFields(_ message: String) -> [String] {
        var fields: [String] = []
        var rest = message[...]
        while let range = rest.firstRange(of: "nknown field \"") {
            rest = rest[range.upperBound...]
            let field = rest.prefix { $0 != "\"" }
            fields.append(String(field))
            rest = rest.dropFirst(field.count)
        }
        return fields
    }

    /// The steps of `spec.containers[0].image`.
    static func path(_ field: String) -> [PathStep] {
        var steps: [PathStep] = []
        for part in field.split(separator: ".") {
            let pieces = part.split(separator: "[")
            if let name = pieces.first, !part.hasPrefix("[") { steps.append(.key(String(name))) }
            for piece in pieces.dropFirst(part.hasPrefix("[") ? 0 : 1) {
                let inside = piece.prefix { $0 != "]" }
                steps.append(Int(inside).map { .index($0) } ?? .key(String(inside)))
            }
        }
        return steps
    }
}

extension YAMLDocument {
    fileprivate func line(of path: ArraySlice<PathStep>) -> Int? { line(of: Array(path)) }
}
