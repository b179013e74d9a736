import CLinux
import Glibc
import Shared

/// The images of a node below `STATE/images`.
///
/// `refs/NAME` names a record by image reference, `layers/KEY` is one unpacked layer, where KEY is the first 24 digits of
/// its digest (short, so that many fit into one page of overlay options).
struct ImageStore: Sendable {
    let folder: String
    private let turns = WriteTurns()

    init(folder: String) { self.folder = folder }

    var layerFolder: String { folder + "/layers" }
    var recordFolder: String { folder + "/refs" }

    /// The reserved image's description.
    static let host = ImageInfo(
        reference: HostImage.reference, id: "sha256:" + String(repeating: "0", count: 64), entrypoint: [],
        command: ["/bin/sh"], environment: [], workingDirectory: "/")

    func ensure(_ text: String, policy: PullPolicy, credentials: [RegistryCredential])
        async throws(RuntimeFailure) -> ImageInfo
    {
        let reference = try Reference(text)
        if reference.isHostSystem { return ImageStore.host }
        if policy != .always, let found = find(reference) { return found.info }
        if policy == .never {
            throw RuntimeFailure(.neverPull, "The image \(reference) is not on this node and its pull policy is Never.")
        }
        do {
            return try await pull(reference, credentials)
        } catch {
            // What was brought here by hand may have no registry that could be asked.
            if let found = find(reference), !found.isPulled { return found.info }
            let why = (error as? RuntimeFailure)?.message ?? "\(error)"
            throw RuntimeFailure(
                .pull,
                "failed to pull and unpack image \"\(reference)\": \(why); when the registry can not be reached from here, import the image with \"kagent images import FILE\""
            )
        }
    }

    /// Asks the registry what it has now and brings what is missing. Questions may overlap, downloads come one after
    /// the other. Source: kubelet `serializeImagePulls`.
    private func pull(_ reference: Reference, _ credentials: [RegistryCredential]) async throws -> ImageInfo {
        let pull = ImagePull(
            store: self, reference: reference, registry: try Registry(reference, credentials: credentials))
        let manifest = try await pull.resolve()
        return try await turns.take {
            // Somebody else may have brought it meanwhile.
            if let found = find(reference), found.info.digest == manifest.digest, found.isComplete(in: self) {
                return found.info
            }
            return try await pull.run(manifest)
        }
    }

    func find(_ reference: Reference) -> ImageRecord? {
        guard let bytes = try? Files.read(recordFolder + "/" + ImageRecord.fileName(reference.description)),
            let message = ShimMessage(line: bytes)
        else { return nil }
        return ImageRecord(message)
    }

    func records() -> [ImageRecord] {
        Files.names(recordFolder).compactMap { name in
            guard let bytes = try? Files.read(recordFolder + "/" + name) else { return nil }
            return ShimMessage(line: bytes).flatMap { ImageRecord($0) }
        }
    }

    func list() -> [ImageInfo] { [ImageStore.host] + records().map(\.info) }

    /// Removes an image and the layers that no other has. A container that runs from it keeps them mounted.
    func remove(_ text: String) throws(RuntimeFailure) {
        let reference = try Reference(text)
        guard let record = find(reference) else {
            throw RuntimeFailure(.notFound, "There is no image \(reference) on this node.")
        }
        unlink(recordFolder + "/" + ImageRecord.fileName(record.info.reference))
        let used = Set(records().flatMap(\.layers))
        for layer in Set(record.layers) where !used.contains(layer) {
            Files.removeAll(layerFolder + "/" + layer + ".digest")
            Files.removeAll(layerFolder + "/" + layer)
        }
    }

    /// Names of the layers in `layerFolder`, uppermost first; empty for the host's own system.
    func layers(_ image: ImageInfo) throws(RuntimeFailure) -> [String] {
        if image.reference == HostImage.reference { return [] }
        guard let record = find(try Reference(image.reference)), record.info.id == image.id || image.id.isEmpty else {
            throw RuntimeFailure(
                .createContainer,
                "The image \(image.reference) was removed from this node; it must be made present again.")
        }
        return record.layers
    }
}

/// What is kept about an image.
struct ImageRecord: Sendable, Equatable {
    var info: ImageInfo
    /// Layer names, uppermost first.
    var layers: [String]
    /// It came from its registry, not out of an archive.
    var isPulled = false

    init(info: ImageInfo, layers: [String], isPulled: Bool = false) {
        self.info = info
        self.layers = layers
        self.isPulled = isPulled
    }

    init?(_ message: ShimMessage) {
        guard message.verb == "image" else { return nil }
        info = ImageInfo(reference: message.text("reference"), id: message.text("id"))
        info.digest = message.text("digest")
        info.entrypoint = message.all("entrypoint")
        info.command = message.all("command")
        info.environment = message.all("env")
        info.user = message.text("user")
        info.workingDirectory = message.text("cwd")
        info.exposedPorts = message.all("port")
        info.stopSignal = message.text("stop")
        info.bytes = message.number("bytes") ?? 0
        layers = message.all("layer")
        isPulled = message.has("pulled")
    }

    var message: ShimMessage {
        var message = ShimMessage("image")
        for (key, value) in [
            ("reference", info.reference), ("id", info.id), ("digest", info.digest), ("user", info.user),
            ("cwd", info.workingDirectory), ("stop", info.stopSignal),
        ] { message.add(key, value) }
        message.add("entrypoint", info.entrypoint)
        message.add("command", info.command)
        message.add("env", info.environment)
        message.add("port", info.exposedPorts)
        message.add("bytes", info.bytes)
        message.add("layer", layers)
        message.add("pulled", flag: isPulled)
        return message
    }

    /// All of its layers are there.
    func isComplete(in store: ImageStore) -> Bool {
        layers.allSatisfy { Files.isFolder(store.layerFolder + "/" + $0) }
    }

    /// A reference as one file name.
    static func fileName(_ reference: String) -> String {
        String(reference.map { $0 == "/" ? "+" : $0 })
    }
}
