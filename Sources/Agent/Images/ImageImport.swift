import CLinux
import Glibc
import Shared

/// Reads an image archive, as `docker save` or an OCI tool writes it, into the store.
///
/// The archive is a file that can be read at any place, so it is never held in memory: its table of contents first, then
/// layer by layer. Every layer is checked against the digest that the image's configuration names.
struct ImageImport {
    private struct Place {
        let offset: Int64
        let size: Int64
    }
    private let store: ImageStore
    private let file: Int32
    private var places: [String: Place] = [:]

    /// Imports all images of the archive at `path`; they replace images of the same name.
    static func run(_ path: String, into store: ImageStore) throws(RuntimeFailure) -> [ImageInfo] {
        let file = clinux_open(path, O_RDONLY | O_CLOEXEC, 0)
        guard file >= 0 else { throw RuntimeFailure(.pull, "The archive \(path) can not be read: \(Errno.last).") }
        defer { close(file) }
        do {
            var archive = ImageImport(store: store, file: file)
            try archive.index()
            return try archive.importAll()
        } catch let error as RuntimeFailure {
            throw error
        } catch {
            throw RuntimeFailure(.pull, "The archive \(path) can not be imported: \(error).")
        }
    }

    private init(store: ImageStore, file: Int32) {
        self.store = store
        self.file = file
    }

    private mutating func index() throws {
        let input = FileInput(file, offset: 0, size: nil)
        var reader = TarReader { most in try input.read(most) }
        while let entry = try reader.next() {
            guard entry.kind == .file else { continue }
            let name = try Unpack.parts(entry.path).joined(separator: "/")
            places[name] = Place(offset: reader.offset, size: entry.size)
            guard places.count <= Limits.archiveFilesMax else { throw ArchiveError("it has too many files") }
            // Bodies are passed over by position, not read.
            try reader.pass { input.advance($0) }
        }
    }

    private func importAll() throws -> [ImageInfo] {
        if places["manifest.json"] != nil { return try docker(try json("manifest.json")) }
        guard places["index.json"] != nil else {
            throw ArchiveError("it has neither manifest.json (docker) nor index.json (OCI)")
        }
        return try oci(try json("index.json"))
    }

    /// Source: Docker image specification v1.2, "Combined Image JSON + Filesystem Changeset Format".
    private func docker(_ manifest: JSON) throws -> [ImageInfo] {
        var images: [ImageInfo] = []
        for item in manifest.items.prefix(Limits.archiveImagesMax) {
            let config = try bytes(item["Config"].string ?? "")
            let layers = item["Layers"].items.compactMap(\.string)
            for tag in item["RepoTags"].items.compactMap(\.string) {
                images.append(try add(tag, config: config, digest: "", layers: layers))
            }
        }
        guard !images.isEmpty else { throw ArchiveError("none of its images has a name; save it by name and tag") }
        return images
    }

    /// Source: OCI image-layout and image-manifest.
    private func oci(_ index: JSON) throws -> [ImageInfo] {
        var images: [ImageInfo] = []
        for entry in index["manifests"].items.prefix(Limits.archiveImagesMax) {
            let names = entry["annotations"].strings
            let name = names["io.containerd.image.name"] ?? names["org.opencontainers.image.ref.name"] ?? ""
            guard !name.isEmpty else { continue }
            var digest = entry["digest"].string ?? ""
            var manifest = try json(try blob(digest))
            if !manifest["manifests"].items.isEmpty {
                let fitting = manifest["manifests"].items.first {
                    $0.at("platform", "os").string == "linux"
                        && $0.at("platform", "architecture").string == Platform.architecture
                }
                digest = fitting?["digest"].string ?? ""
                guard !digest.isEmpty else {
                    throw ArchiveError("\(name) has no image for linux/\(Platform.architecture)")
                }
                manifest = try json(try blob(digest))
            }
            let config = try bytes(try blob(manifest.at("config", "digest").string ?? ""))
            let layers = try manifest["layers"].items.map { try blob($0["digest"].string ?? "") }
            images.append(try add(name, config: config, digest: digest, layers: layers))
        }
        guard !images.isEmpty else { throw ArchiveError("none of its images has a name") }
        return images
    }

    private func add(_ name: String, config: [UInt8], digest: String, layers: [String]) throws -> ImageInfo {
        let reference = try Reference(name)
        guard !reference.isHostSystem else { throw ArchiveError("the name localhost/host is reserved") }
        let json = try JSON(parsing: config)
        let digests = json.at("rootfs", "diff_ids").items.compactMap(\.string)
        guard digests.count == layers.count, layers.count <= Limits.imageLayersMax,
            digests.allSatisfy(Reference.isDigest)
        else { throw ArchiveError("\(name) names \(layers.count) layers and \(digests.count) digests") }
        var info = ImageInfo(config: json["config"], reference: reference.description)
        info.id = Digest.text(SHA256.hash(config))
        info.digest = digest
        var keys: [String] = []
        for (path, digest) in zip(layers, digests) {
            guard let place = places[path] else { throw ArchiveError("the layer \(path) is missing") }
            let input = FileInput(file, offset: place.offset, size: place.size)
            let layer = try store.addLayer(digest) { most in try input.read(most) }
            info.bytes += layer.bytes
            keys.insert(layer.key, at: 0)
        }
        try store.save(ImageRecord(info: info, layers: keys))
        return info
    }

    private func blob(_ digest: String) throws -> String {
        guard Reference.isDigest(digest) else { throw ArchiveError("\"\(digest.prefix(80))\" is no digest") }
        return "blobs/sha256/" + digest.dropFirst(7)
    }

    private func json(_ path: String) throws -> JSON { try JSON(parsing: try bytes(path)) }

    private func bytes(_ path: String) throws -> [UInt8] {
        let name = try Unpack.parts(path).joined(separator: "/")
        guard let place = places[name] else { throw ArchiveError("the file \(name) is missing") }
        guard place.size <= Limits.archiveJSONBytesMax else { throw ArchiveError("the file \(name) is too large") }
        let input = FileInput(file, offset: place.offset, size: place.size)
        var bytes: [UInt8] = []
        while true {
            let piece = try input.read(65_536)
            if piece.isEmpty { break }
            bytes += piece
        }
        if name.hasPrefix("blobs/sha256/"), Digest.text(SHA256.hash(bytes)).dropFirst(7) != name.dropFirst(13) {
            throw ArchiveError("the file \(name) does not have its digest")
        }
        return bytes
    }
}

/// A part of an open file. A class: its position moves as closures read.
final class FileInput {
    private let file: Int32
    private var offset: Int64
    private var left: Int64

    init(_ file: Int32, offset: Int64, size: Int64?) {
        self.file = file
        self.offset = offset
        left = size ?? .max
    }

    func read(_ most: Int) throws -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: Int(min(Int64(most), left)))
        guard !buffer.isEmpty else { return [] }
        let count = pread(file, &buffer, buffer.count, off_t(offset))
        guard count >= 0 else { throw Errno.last }
        advance(Int64(count))
        return Array(buffer[..<count])
    }

    func advance(_ count: Int64) {
        let (sum, overflow) = offset.addingReportingOverflow(count)
        offset = overflow ? .max : sum
        left = max(0, left - count)
    }
}

enum Platform {
    /// As image indexes call it.
    static var architecture: String {
        #if arch(arm64)
            "arm64"
        #else
            "amd64"
        #endif
    }
}

enum Digest {
    static func text(_ bytes: [UInt8]) -> String {
        "sha256:" + bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}

extension ImageInfo {
    /// - Parameter config: the member `config` of an image configuration. Source: OCI image-spec config.md.
    init(config: JSON, reference: String) {
        self.init(reference: reference, id: "")
        entrypoint = config["Entrypoint"].items.compactMap(\.string)
        command = config["Cmd"].items.compactMap(\.string)
        environment = config["Env"].items.compactMap(\.string)
        user = config["User"].string ?? ""
        workingDirectory = config["WorkingDir"].string ?? ""
        exposedPorts = config["ExposedPorts"].members.map(\.key).sorted()
        stopSignal = config["StopSignal"].string ?? ""
    }
}
