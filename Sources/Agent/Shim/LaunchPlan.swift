import CLinux
import Glibc

/// A `start` message as the kernel needs it: what happens between clone and exec.
///
/// Fields: `arg`, `env`, `cwd`, `clone` (CLONE_NEW… flags), `cgroupns`, `cgroup` (cgroup.procs paths), `step` (nested
/// messages), `identity` with `uid`, `gid`, `group`, `bounding`, `effective`, `ambient`, `nnp`, `seccomp` (16 hex digits
/// an instruction), `oom`, `files`, `tty`.
struct LaunchPlan {
    enum Streams {
        case none
        case descriptors(input: Int32, output: Int32, errors: Int32)
        case terminal
    }
    struct Started {
        let pid: Int32
        let pidfd: Int32
        /// The terminal's master, else -1.
        let master: Int32
        /// errno of an oom_score_adj that the machine refused, else 0.
        let oomRefused: Int32
    }

    private let message: ShimMessage
    private let steps: [ShimMessage]
    /// Becomes the resting first process of a shared PID namespace instead of a program.
    var rests = false

    init(_ message: ShimMessage) throws(Failure) {
        self.message = message
        var steps: [ShimMessage] = []
        for text in message.all("step") {
            guard let step = ShimMessage(text: text) else { throw Failure("a step is no message: \(text)") }
            steps.append(step)
        }
        self.steps = steps
    }

    /// - Parameter join: a process whose namespaces of these kinds are entered.
    func launch(streams: Streams, join: (pidfd: Int32, flags: UInt64)?) throws(Failure) -> Started {
        let arena = Arena()
        var launch = clinux_launch()
        launch.clone_flags = message.number("clone") ?? 0
        launch.join = join?.pidfd ?? -1
        launch.join_flags = join?.flags ?? 0
        launch.new_cgroup_namespace = message.has("cgroupns") ? 1 : 0
        let cgroups = try openGroups()
        defer { for descriptor in cgroups { close(descriptor) } }
        launch.cgroups = arena.array(cgroups)
        launch.cgroup_count = Int32(cgroups.count)
        let items = try steps.map { step throws(Failure) in try item(step, arena) }
        launch.steps = arena.array(items)
        launch.step_count = Int32(items.count)
        let arguments = message.all("arg")
        launch.argv = arguments.isEmpty ? nil : arena.strings(arguments)
        launch.envp = arena.strings(message.all("env"))
        launch.cwd = message.text("cwd").isEmpty ? nil : arena.string(message.text("cwd"))
        launch.pause = rests ? 1 : 0
        setIdentity(&launch, arena)
        launch.files_max = message.number("files") ?? 0
        launch.die_with_parent = 1
        (launch.input, launch.output, launch.errors) = (-1, -1, -1)
        switch streams {
        case .none: break
        case .terminal: launch.terminal = 1
        case .descriptors(let input, let output, let errors):
            (launch.input, launch.output, launch.errors) = (input, output, errors)
        }
        let pid = clinux_launch(&launch)
        guard pid > 0 else {
            let what = withUnsafeBytes(of: &launch.failure) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            throw Failure(what.isEmpty ? "starting" : what, errno: launch.error)
        }
        return Started(pid: pid, pidfd: launch.pidfd, master: launch.master, oomRefused: launch.oom_refused)
    }

    private func setIdentity(_ launch: inout clinux_launch, _ arena: Arena) {
        launch.change_identity = message.has("identity") ? 1 : 0
        launch.uid = message.number("uid") ?? 0
        launch.gid = message.number("gid") ?? 0
        let groups = message.all("group").compactMap { UInt32($0) }
        launch.groups = arena.array(groups)
        launch.group_count = Int32(groups.count)
        launch.bounding = message.number("bounding") ?? 0
        launch.effective = message.number("effective") ?? 0
        launch.ambient = message.number("ambient") ?? 0
        launch.no_new_privileges = message.has("nnp") ? 1 : 0
        let filter = LaunchPlan.words(hex: message.text("seccomp"))
        if !filter.isEmpty {
            launch.seccomp = arena.array(filter).map { UnsafeRawPointer($0) }
            launch.seccomp_count = UInt16(clamping: filter.count)
        }
        if let score: Int32 = message.number("oom") {
            launch.oom_score = score
            launch.set_oom_score = 1
        }
    }

    private func openGroups() throws(Failure) -> [Int32] {
        var descriptors: [Int32] = []
        for path in message.all("cgroup") {
            let descriptor = clinux_open(path, O_WRONLY | O_CLOEXEC, 0)
            guard descriptor >= 0 else {
                let number = errno
                for descriptor in descriptors { close(descriptor) }
                throw Failure("opening \(path)", errno: number)
            }
            descriptors.append(descriptor)
        }
        return descriptors
    }

    private func item(_ step: ShimMessage, _ arena: Arena) throws(Failure) -> clinux_step {
        let kinds: [String: Int] = [
            "propagate": CLINUX_PROPAGATE, "mount": CLINUX_MOUNT, "tree": CLINUX_TREE, "attach": CLINUX_ATTACH,
            "folder": CLINUX_FOLDER, "link": CLINUX_LINK, "file": CLINUX_FILE, "root": CLINUX_ROOT,
            "mask": CLINUX_MASK, "readonly": CLINUX_READONLY, "enter": CLINUX_ENTER, "attributes": CLINUX_ATTRIBUTES,
        ]
        guard let kind = kinds[step.verb] else { throw Failure("the shim knows no step \(step.verb)") }
        var item = clinux_step()
        item.kind = Int32(kind | (step.has("optional") ? CLINUX_OPTIONAL : 0))
        item.slot = step.number("slot") ?? 0
        item.flags = step.number("flags") ?? 0
        item.mode = step.number("mode") ?? 0
        item.source = step.has("source") ? arena.string(step.text("source")) : nil
        item.target = step.has("target") ? arena.string(step.text("target")) : nil
        item.type = step.has("type") ? arena.string(step.text("type")) : nil
        item.data = step.has("data") ? arena.string(step.text("data")) : nil
        return item
    }

    /// 16 hex digits a word; anything else ends the list.
    static func words(hex text: String) -> [UInt64] {
        var words: [UInt64] = []
        var rest = text.utf8[...]
        while rest.count >= 16, let word = UInt64(String(rest.prefix(16)) ?? "", radix: 16) {
            words.append(word)
            rest = rest.dropFirst(16)
        }
        return words
    }
}

/// C strings and arrays that live as long as this object.
private final class Arena {
    private var blocks: [UnsafeMutableRawPointer] = []

    deinit { for block in blocks { free(block) } }

    func string(_ text: String) -> UnsafePointer<CChar>? {
        guard let copy = strdup(text) else { return nil }
        blocks.append(UnsafeMutableRawPointer(copy))
        return UnsafePointer(copy)
    }
    /// Ends with a null pointer.
    func strings(_ texts: [String]) -> UnsafePointer<UnsafePointer<CChar>?>? {
        array(texts.map { string($0) } + [nil])
    }
    func array<T>(_ items: [T]) -> UnsafePointer<T>? {
        guard !items.isEmpty else { return nil }
        let block = UnsafeMutablePointer<T>.allocate(capacity: items.count)
        block.initialize(from: items, count: items.count)
        blocks.append(UnsafeMutableRawPointer(block))
        return UnsafePointer(block)
    }
}
