/// The YAML codec: manifests are read with `parse` and shown with `emit`. Source: YAML 1.2.2.
package enum YAML {
    /// Reads every document of a stream, in order. Documents without any content are `null`.
    ///
    /// Untyped scalars follow the core schema, with one Kubernetes habit: a whole number that starts with `0` and has
    /// octal digits only is octal (`mode: 0644`). `yes`, `no`, `on` and `off` are strings. Numbers JSON can not hold
    /// (`.inf`, `.nan`) stay strings. Bounds: `Limits.nestingMax` levels and `Limits.yamlAliasBytesMax` for aliases.
    ///
    /// - Parameter file: the name that errors show; may be empty.
    package static func parse(_ bytes: [UInt8], file: String = "") throws(YAMLError) -> [YAMLDocument] {
        var parser = try YAMLParser(bytes: bytes, file: file)
        var documents: [YAMLDocument] = []
        while try parser.nextDocument() {
            var composer = YAMLComposer(parser: parser, number: documents.count + 1)
            documents.append(try composer.document())
        }
        return documents
    }

    package static func parse(_ text: String, file: String = "") throws(YAMLError) -> [YAMLDocument] {
        try parse(Array(text.utf8), file: file)
    }
}

/// A text that is not YAML, or that no JSON value can stand for: what is wrong, and where.
package struct YAMLError: Error, Equatable, Sendable, CustomStringConvertible {
    /// One sentence without a full stop, for somebody who has never read the YAML specification.
    package let message: String
    /// As given to `parse`; may be empty.
    package let file: String
    /// From 1.
    package let line: Int
    /// From 1, in bytes.
    package let column: Int
    /// `deploy.yaml:12:3: this key was written twice …`
    package var description: String {
        file.isEmpty ? "line \(line), column \(column): \(message)" : "\(file):\(line):\(column): \(message)"
    }
}

/// One step from a value to a part of it.
package enum PathStep: Hashable, Sendable {
    case key(String)
    case index(Int)
}

/// One document of a YAML stream.
package struct YAMLDocument: Sendable {
    package let value: JSON
    /// Line of the first content, from 1.
    package let line: Int
    /// From 1 in its file.
    package let number: Int
    /// True when the document holds nothing but comments.
    package let isEmpty: Bool
    private let places: YAMLPlace

    init(value: JSON, line: Int, number: Int, isEmpty: Bool, places: YAMLPlace) {
        self.value = value
        self.line = line
        self.number = number
        self.isEmpty = isEmpty
        self.places = places
    }

    /// The line of the field, from 1: that of its key or of its list item. Where the document has no such field, nil.
    package func line(of path: [PathStep]) -> Int? {
        var value = value
        var place = places
        for step in path {
            switch step {
            case .index(let index):
                guard let items = value.array, items.indices.contains(index), place.children.indices.contains(index)
                else { return nil }
                value = items[index]
                place = place.children[index]
            case .key(let key):
                guard let members = value.object, let index = members.index(of: key),
                    place.children.indices.contains(index)
                else { return nil }
                value = members.value(at: index)
                place = place.children[index]
            }
        }
        return Int(place.line)
    }
}

/// Where a value stands: a tree of the same shape as the value.
struct YAMLPlace: Sendable {
    var line: Int32
    var children: [YAMLPlace] = []
}
