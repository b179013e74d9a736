import CLinux
import Glibc
import Shared

extension ImageStore {
    struct Layer {
        let key: String
        /// Unpacked size; 0 for a layer that was there.
        let bytes: Int64
    }

    /// The layer when it is there.
    func layer(_ digest: String) -> Layer? {
        let key = String(digest.dropFirst(7).prefix(24))
        guard Files.text(layerFolder + "/" + key + ".digest") == digest, Files.isFolder(layerFolder + "/" + key) else {
            return nil
        }
        return Layer(key: key, bytes: 0)
    }

    /// Unpacks a layer, plain or gzip, and keeps it under its digest when the bytes have it. A layer that is there is
    /// not read again. A layer is complete or not there at all: it is unpacked beside its place and renamed.
    /// - Parameter digest: of the uncompressed archive.
    func addLayer(_ digest: String, _ source: @escaping TarReader.Source) throws -> Layer {
        let key = String(digest.dropFirst(7).prefix(24))
        let place = layerFolder + "/" + key
        if let there = layer(digest) { return there }
        let building = place + ".new"
        Files.removeAll(building)
        Files.removeAll(place)
        try Files.makeFolder(building)
        do {
            let root = clinux_open(building, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
            guard root >= 0 else { throw Errno.last }
            defer { close(root) }
            let input = try LayerInput(source)
            var reader = TarReader { most in try input.read(most) }
            var unpack = Unpack(into: root)
            let bytes = try unpack.run(&reader)
            guard try input.finish() == digest else { throw ArchiveError("a layer does not have the digest \(digest)") }
            guard rename(building, place) == 0 else { throw Errno.last }
            try Files.replace(place + ".digest", Array(digest.utf8))
            return Layer(key: key, bytes: bytes)
        } catch {
            Files.removeAll(building)
            throw error
        }
    }

    func save(_ record: ImageRecord) throws(Errno) {
        try Files.makeFolder(recordFolder)
        try Files.replace(recordFolder + "/" + ImageRecord.fileName(record.info.reference), record.message.line)
    }
}

/// The uncompressed bytes of a layer, and their digest. A class: closures read from it.
private final class LayerInput {
    private let source: TarReader.Source
    private var inflater: Inflater?
    private var digest: SHA256? = SHA256()
    private var buffer: [UInt8]
    private var position = 0
    private var isAtEnd = false

    init(_ source: @escaping TarReader.Source) throws {
        self.source = source
        var first: [UInt8] = []
        while first.count < 4 {
            let piece = try source(4 - first.count)
            if piece.isEmpty { break }
            first += piece
        }
        buffer = first
        if first.starts(with: [0x28, 0xB5, 0x2F, 0xFD]) {
            throw ArchiveError("layers compressed with zstd are not supported")
        }
        guard first.starts(with: [0x1F, 0x8B]) else {
            digest?.update(first)
            return
        }
        inflater = try Inflater()
        buffer = []
        try inflate(first)
    }

    func read(_ most: Int) throws -> [UInt8] {
        while position == buffer.count && !isAtEnd { try fill() }
        let piece = Array(buffer[position..<min(buffer.count, position + most)])
        position += piece.count
        return piece
    }

    /// Reads what follows the archive's end mark, which counts for the digest.
    func finish() throws -> String {
        while !isAtEnd { try fill() }
        guard let digest = digest.take() else { return "" }
        return Digest.text(digest.finish())
    }

    private func fill() throws {
        let piece = try source(65_536)
        buffer = []
        position = 0
        if piece.isEmpty {
            isAtEnd = true
        } else if inflater != nil {
            try inflate(piece)
        } else {
            digest?.update(piece)
            buffer = piece
        }
    }

    private func inflate(_ piece: [UInt8]) throws {
        var output: [UInt8] = []
        try inflater?.update(piece) { output += $0 }
        digest?.update(output)
        buffer = output
    }
}
