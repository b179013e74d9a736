import Shared

/// Where a node keeps its pods and images.
struct RuntimeFolders: Sendable, Equatable {
    /// The agent's `--state`.
    let state: String
    /// For sockets and mount points: a short path of its own for each state folder, such as `/run/kotohajime/1f2e3d4c`.
    let run: String

    init(state: String, run: String? = nil) {
        self.state = state
        self.run = run ?? RunFolder.of(state: state)
    }
    var pods: String { state + "/pods" }
    var images: String { state + "/images" }
    func pod(_ uid: String) -> String { pods + "/" + uid }
    func record(_ uid: String) -> String { pod(uid) + "/record" }
    func shimState(_ uid: String) -> String { pod(uid) + "/state" }
    func container(_ id: ContainerID) -> String { pod(id.sandbox) + "/containers/\(id.name)-\(id.attempt)" }
    func socket(_ uid: String) -> String { run + "/" + uid + ".sock" }
    func sharedMemory(_ uid: String) -> String { run + "/" + uid + ".shm" }
    /// An empty folder on which every container mounts its root, in its own mount namespace.
    var root: String { run + "/root" }
}
