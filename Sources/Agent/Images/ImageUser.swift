import CLinux
import Glibc
import Shared

/// Who a container runs as, in numbers.
struct ImageUser: Sendable, Equatable {
    var uid: UInt32
    var gid: UInt32
    var groups: [UInt32]
    var home: String
}

extension ImageStore {
    /// Finds the image's user in its own `/etc/passwd` and `/etc/group`, without following a link out of the image.
    func resolve(_ wanted: ContainerUser, image: ImageInfo, layers: [String]) throws(RuntimeFailure) -> ImageUser {
        let passwd = layers.isEmpty ? HostImage.passwd : text("/etc/passwd", layers)
        let group = layers.isEmpty ? HostImage.group : text("/etc/group", layers)
        let user = try ImageUser(wanted, image: image.user, passwd: passwd, group: group)
        if wanted.mustNotBeRoot && user.uid == 0 {
            throw RuntimeFailure(
                .createContainer,
                "The container has runAsNonRoot and its image runs as root; set runAsUser or another image.")
        }
        return user
    }

    /// A small file of the topmost layer that has it; empty when none has.
    private func text(_ path: String, _ layers: [String]) -> String {
        for layer in layers {
            let root = clinux_open(layerFolder + "/" + layer, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
            guard root >= 0 else { continue }
            defer { close(root) }
            let file = clinux_open_in_root(root, path, O_RDONLY | O_NONBLOCK, 0)
            guard file >= 0 else { continue }
            defer { close(file) }
            var info = stat()
            guard fstat(file, &info) == 0, info.st_mode & S_IFMT == S_IFREG else { continue }
            if let bytes = try? Files.read(file, most: 1 << 20) { return String(decoding: bytes, as: UTF8.self) }
        }
        return ""
    }
}

extension ImageUser {
    /// - Parameter image: `USER` of the image: `name`, `uid`, `name:group`, `uid:gid` or empty for root.
    init(_ wanted: ContainerUser, image: String, passwd: String, group: String) throws(RuntimeFailure) {
        let parts = image.split(separator: ":", maxSplits: 1).map(String.init)
        let users = ImageUser.rows(passwd).filter { $0.count >= 6 }
        let name = wanted.uid.map { String($0) } ?? parts.first ?? "0"
        let row = users.first { $0[0] == name } ?? users.first { $0[2] == name }
        guard let uid = row.flatMap({ UInt32($0[2]) }) ?? UInt32(name) else {
            throw RuntimeFailure(.createContainer, "The image's user \(name) is not in its /etc/passwd.")
        }
        let groups = ImageUser.rows(group).filter { $0.count >= 4 }
        var gid = row.flatMap { UInt32($0[3]) } ?? 0
        if let wantedGroup = wanted.gid {
            gid = wantedGroup
        } else if wanted.uid == nil, parts.count == 2 {
            let found = groups.first { $0[0] == parts[1] }.flatMap { UInt32($0[2]) } ?? UInt32(parts[1])
            guard let found else {
                throw RuntimeFailure(.createContainer, "The image's group \(parts[1]) is not in its /etc/group.")
            }
            gid = found
        }
        let member = row?[0]
        var added = groups.filter { $0[3].split(separator: ",").contains { $0 == (member ?? "") } }
            .compactMap { UInt32($0[2]) }
        added += wanted.supplementalGroups
        if !added.contains(gid) { added.append(gid) }
        self.init(
            uid: uid, gid: gid, groups: Array(added.prefix(1024)),
            home: row.map { $0[5] }.flatMap { $0.hasPrefix("/") ? $0 : nil } ?? "/")
    }

    private static func rows(_ text: String) -> [[String]] {
        text.split(separator: "\n").prefix(10_000).map {
            $0.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        }
    }
}

/// Who the container runs as. Fields that are nil come from the image's `USER`, else root.
struct ContainerUser: Sendable, Equatable {
    var uid: UInt32?
    var gid: UInt32?
    /// Added to those that the image's `/etc/group` names for the user.
    var supplementalGroups: [UInt32] = []
    /// Refuses to start as uid 0, with reason `CreateContainerError`.
    var mustNotBeRoot = false
}
