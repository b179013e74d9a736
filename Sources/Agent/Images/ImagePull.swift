import CLinux
import Dispatch
import Glibc
import Shared

/// Brings one image from its registry into the store: manifest, configuration, and the layers that are not there yet.
///
/// Layers are downloaded into a file, which a later attempt goes on with, checked against their digests and unpacked.
/// Nothing of an image counts before all of it is there.
struct ImagePull: Sendable {
    let store: ImageStore
    let reference: Reference
    let registry: Registry

    private var downloads: String { store.folder + "/downloads" }

    /// What the registry has under the reference now, with the digest that stands for it.
    func resolve() async throws -> Registry.Manifest {
        try await registry.manifest(reference.digest.isEmpty ? reference.tag : reference.digest)
    }

    func run(_ top: Registry.Manifest) async throws -> ImageInfo {
        var manifest = top
        if !top.json["manifests"].items.isEmpty {
            guard let fitting = ImagePull.platform(top.json["manifests"].items) else {
                throw ArchiveError("it has no image for linux/\(Platform.architecture)")
            }
            manifest = try await registry.manifest(fitting)
        }
        let layers = try manifest.json["layers"].items.map { try ImagePull.blob($0) }
        let config = try await registry.bytes(try ImagePull.blob(manifest.json["config"]))
        let json = try JSON(parsing: config)
        let digests = json.at("rootfs", "diff_ids").items.compactMap(\.string)
        guard !layers.isEmpty, digests.count == layers.count, layers.count <= Limits.imageLayersMax,
            digests.allSatisfy(Reference.isDigest)
        else { throw ArchiveError("it names \(layers.count) layers and \(digests.count) digests") }
        var info = ImageInfo(config: json["config"], reference: reference.description)
        info.id = Digest.text(SHA256.hash(config))
        info.digest = top.digest
        // What broke off of other images, and was never gone on with, is not kept for ever.
        let own = Set(layers.map { String($0.digest.dropFirst(7)) })
        for name in Files.names(downloads) where !own.contains(name) { unlink("\(downloads)/\(name)") }
        var keys: [String] = []
        for (blob, digest) in zip(layers, digests) {
            let layer = try await add(blob, digest)
            info.bytes += layer.bytes
            keys.insert(layer.key, at: 0)
        }
        try store.save(ImageRecord(info: info, layers: keys, isPulled: true))
        return info
    }

    /// The digest of the image for this machine. Source: OCI image-index, `platform`.
    static func platform(_ entries: [JSON]) -> String? {
        let fitting = entries.filter {
            $0.at("platform", "os").string == "linux"
                && $0.at("platform", "architecture").string == Platform.architecture
        }
        // arm64 is v8 when it says nothing.
        let best = fitting.first { ["", "v8"].contains($0.at("platform", "variant").string ?? "") } ?? fitting.first
        return best?["digest"].string.flatMap { Reference.isDigest($0) ? $0 : nil }
    }

    private static func blob(_ json: JSON) throws -> Registry.Blob {
        guard let digest = json["digest"].string, Reference.isDigest(digest), let size = json["size"].int, size >= 0,
            Int64(size) <= Limits.layerBytesMax
        else { throw ArchiveError("the manifest names something without a digest or a size") }
        guard json["urls"].items.isEmpty else { throw ArchiveError("a layer lies outside the registry") }
        return Registry.Blob(digest: digest, size: Int64(size), mediaType: json["mediaType"].string ?? "")
    }

    private func add(_ blob: Registry.Blob, _ digest: String) async throws -> ImageStore.Layer {
        if let there = store.layer(digest) { return there }
        let path = try await download(blob)
        defer { unlink(path) }
        let store = store
        // Unpacking works on disk for seconds; the threads of tasks are needed meanwhile.
        return try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global(qos: .utility).async {
                continuation.resume(with: Result { try ImagePull.unpack(path, digest, into: store) })
            }
        }
    }

    private static func unpack(_ path: String, _ digest: String, into store: ImageStore) throws -> ImageStore.Layer {
        let file = clinux_open(path, O_RDONLY | O_CLOEXEC, 0)
        guard file >= 0 else { throw Errno.last }
        defer { close(file) }
        let input = FileInput(file, offset: 0, size: nil)
        return try store.addLayer(digest) { most in try input.read(most) }
    }

    // MARK: Downloads

    /// The path of the whole file, whose bytes have the digest.
    private func download(_ blob: Registry.Blob) async throws -> String {
        try Files.makeFolder(downloads, mode: 0o700)
        let path = downloads + "/" + blob.digest.dropFirst(7)
        var failure: (any Error)?
        for attempt in 0..<Limits.downloadAttemptsMax {
            if attempt > 0 { try await SystemClock().sleep(for: .milliseconds(200 << attempt)) }
            do {
                try await fetch(blob, path)
                guard try await ImagePull.digest(of: path) == blob.digest else {
                    unlink(path)
                    throw ArchiveError("a layer does not have the digest \(blob.digest)")
                }
                return path
            } catch let error as NetError {
                failure = error
            }
        }
        throw failure ?? ArchiveError("the layer \(blob.digest) can not be read")
    }

    /// Goes on where an earlier attempt stopped.
    private func fetch(_ blob: Registry.Blob, _ path: String) async throws {
        let file = clinux_open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw Errno.last }
        defer { close(file) }
        var offset = Int64(max(0, lseek(file, 0, SEEK_END)))
        if offset > blob.size { offset = 0 }
        if offset == blob.size, offset > 0 { return }
        let (stream, begin) = try await registry.stream(blob, from: offset)
        defer { stream.body.close() }
        offset = begin
        guard ftruncate(file, off_t(offset)) == 0, lseek(file, off_t(offset), SEEK_SET) >= 0 else { throw Errno.last }
        while let piece = try await within(.seconds(Limits.registryIdleSeconds), { try await stream.body.next() }) {
            offset += Int64(piece.count)
            guard offset <= blob.size else {
                unlink(path)
                throw ArchiveError("a layer is larger than the \(blob.size) bytes that its manifest names")
            }
            if let failure = Files.writeAll(file, piece) { throw failure }
        }
        guard offset == blob.size else { throw NetError(.closed, "the registry ended in the middle of a layer") }
    }

    private static func digest(of path: String) async throws -> String {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global(qos: .utility).async {
                continuation.resume(
                    with: Result {
                        let file = clinux_open(path, O_RDONLY | O_CLOEXEC, 0)
                        guard file >= 0 else { throw Errno.last }
                        defer { close(file) }
                        let input = FileInput(file, offset: 0, size: nil)
                        var hash = SHA256()
                        while true {
                            let piece = try input.read(1 << 18)
                            if piece.isEmpty { return Digest.text(hash.finish()) }
                            hash.update(piece)
                        }
                    })
            }
        }
    }
}
