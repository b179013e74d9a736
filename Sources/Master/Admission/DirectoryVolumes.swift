import Shared

extension AdmissionPlugin {
    /// An agent lets only those volumes go that are folders of its own node, and changes nothing else about them.
    static let directoryVolumes = AdmissionPlugin(name: "DirectoryVolumes") { call throws(Status) in
        guard let node = call.user.nodeName, call.resource.groupResource == PersistentVolume.type.resource else {
            return
        }
        let volume = PersistentVolume(call.old)
        let isOwn = call.operation != .create && volume.isGivenUp(on: node)
        let isUnchanged = call.operation == .delete || call.object["spec"] == call.old["spec"]
        guard isOwn, isUnchanged, call.subresource.isEmpty else {
            throw Status.forbidden(
                call.resource.groupResource, call.name.isEmpty ? Object(call.object).name : call.name,
                "node \"\(node)\" can only let volumes go that are its own folders and were given up")
        }
    }
}
