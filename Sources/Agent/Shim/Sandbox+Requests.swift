import CLinux
import Glibc

/// What the agent may ask for. Each request gets one answer, `ok …` or `error message=… errno=…`.
extension Sandbox {
    func answer(_ message: ShimMessage, to client: Client) {
        let descriptors = client.takeDescriptors()
        defer { for descriptor in descriptors { close(descriptor) } }
        do throws(Failure) {
            switch message.verb {
            case "hello": client.send(helloAnswer())
            case "list": list(to: client)
            case "watch":
                client.isWatching = true
                client.send(ShimMessage("ok"))
            case "start": client.send(try start(message))
            case "exec": try exec(message, descriptors, client)
            case "attach": try attach(message, descriptors, client)
            case "resize": try resize(message, client)
            case "eof":
                try known(message).endInput()
                client.send(ShimMessage("ok"))
            case "signal":
                try known(message).signal(message.number("signal") ?? SIGTERM)
                client.send(ShimMessage("ok"))
            case "stop": try stop(message, client)
            case "remove":
                try remove(message)
                client.send(ShimMessage("ok"))
            case "shutdown":
                client.send(ShimMessage("ok"))
                loop.isDone = true
            default: throw Failure("this shim does not know \(message.verb)")
            }
        } catch {
            client.send(error.message)
        }
    }

    private func helloAnswer() -> ShimMessage {
        var answer = stateMessage
        answer.verb = "ok"
        return answer
    }

    private func list(to client: Client) {
        for container in containers { client.send(container.message) }
        client.send(ShimMessage("ok"))
    }

    private func known(_ message: ShimMessage) throws(Failure) -> Container {
        guard let container = container(message) else { throw Failure("there is no such container", errno: ENOENT) }
        return container
    }

    private func running(_ message: ShimMessage) throws(Failure) -> Container {
        let container = try known(message)
        guard container.exit == nil else { throw Failure("container \(container.name) is not running", errno: ESRCH) }
        return container
    }

    private func start(_ message: ShimMessage) throws(Failure) -> ShimMessage {
        guard container(message) == nil else { throw Failure("this attempt was started before", errno: EEXIST) }
        let container = Container(message)
        var plan: LaunchPlan
        var oomRefused: Int32 = 0
        do throws(Failure) {
            plan = try LaunchPlan(message)
            container.log = try LogFile(
                path: message.text("log"), bytesMax: message.number("logbytes") ?? 10 << 20,
                filesMax: message.number("logfiles") ?? 5)
            oomRefused = try begin(container, plan)
        } catch {
            container.ended(code: 128, signal: 0)
            container.closeStreams()
            containers.append(container)
            saveState()
            throw error
        }
        containers.append(container)
        note(container, "started")
        var answer = container.message
        answer.verb = "ok"
        answer.add("oomrefused", flag: oomRefused != 0)
        return answer
    }

    private func begin(_ container: Container, _ plan: LaunchPlan) throws(Failure) -> Int32 {
        // The processes of another container are seen from inside its PID namespace.
        let target = container.start.text("target")
        let processes = containers.last { $0.name == target && $0.exit == nil }?.pidfd
        if !target.isEmpty, processes == nil { throw Failure("container \(target) is not running", errno: ESRCH) }
        if container.hasTerminal {
            let started = try launch(plan, .terminal, join: nil, processes: processes)
            container.began(started)
            container.output = started.master
            follow(container, \.output, "stdout")
            return started.oomRefused
        }
        var ends: [Int32] = []
        for _ in 0..<3 {
            var pair: [Int32] = [-1, -1]
            guard clinux_pipe(&pair) == 0 else { throw Failure("making a pipe", errno: errno) }
            ends += pair
        }
        let null = clinux_open("/dev/null", O_RDONLY | O_CLOEXEC, 0)
        let wantsInput = container.start.has("stdin")
        defer { for descriptor in [ends[0], ends[3], ends[5], null] where descriptor >= 0 { close(descriptor) } }
        do throws(Failure) {
            let started = try launch(
                plan, .descriptors(input: wantsInput ? ends[0] : null, output: ends[3], errors: ends[5]), join: nil,
                processes: processes)
            container.began(started)
            container.output = ends[2]
            container.errors = ends[4]
            if wantsInput { container.input = ends[1] } else { close(ends[1]) }
            follow(container, \.output, "stdout")
            follow(container, \.errors, "stderr")
            return started.oomRefused
        } catch {
            for descriptor in [ends[1], ends[2], ends[4]] { close(descriptor) }
            throw error
        }
    }

    func follow(_ container: Container, _ side: ReferenceWritableKeyPath<Container, Int32>, _ stream: String) {
        let descriptor = container[keyPath: side]
        _ = clinux_fcntl(descriptor, F_SETFL, O_NONBLOCK)
        loop.watch(descriptor) { [unowned self] in copy(container, side, to: stream, all: false) }
    }

    /// `exec name attempt arg… env… [tty] [stdin]`, with input, output and error output beside it, or none of them with
    /// a terminal, whose master comes with the answer. The program ends when the connection does.
    private func exec(_ message: ShimMessage, _ descriptors: [Int32], _ client: Client) throws(Failure) {
        let container = try running(message)
        guard client.program == 0 else { throw Failure("one program a connection", errno: EBUSY) }
        var start = ShimMessage("start")
        let kept: Set<String> = [
            "env", "cwd", "cgroup", "identity", "uid", "gid", "group", "bounding", "effective", "ambient", "nnp",
            "seccomp", "oom", "files",
        ]
        start.fields = container.start.fields.filter { kept.contains($0.key) }
        start.add("arg", message.all("arg"))
        start.add("env", message.all("env"))
        let plan = try LaunchPlan(start)
        let flags: UInt64 = container.start.number("join") ?? 0
        let join = flags == 0 ? nil : (pidfd: container.pidfd, flags: flags)
        let processes = flags == 0 ? nil : container.pidfd
        var started: LaunchPlan.Started
        if message.has("tty") {
            started = try launch(plan, .terminal, join: join, processes: processes)
        } else {
            guard descriptors.count == 3 else { throw Failure("exec needs three descriptors", errno: EINVAL) }
            started = try launch(
                plan, .descriptors(input: descriptors[0], output: descriptors[1], errors: descriptors[2]), join: join,
                processes: processes)
        }
        close(started.pidfd)
        client.program = started.pid
        var answer = ShimMessage("ok")
        answer.add("pid", started.pid)
        client.send(answer, with: started.master >= 0 ? [started.master] : [])
        if started.master >= 0 { close(started.master) }
    }

    /// `attach name attempt` with the write ends for output and error output beside it; the answer carries the
    /// container's input, or its terminal.
    private func attach(_ message: ShimMessage, _ descriptors: [Int32], _ client: Client) throws(Failure) {
        let container = try running(message)
        guard descriptors.count == 2 else { throw Failure("attach needs two descriptors", errno: EINVAL) }
        let copies = descriptors.map { clinux_fcntl($0, F_DUPFD_CLOEXEC, 3) }
        for copy in copies { _ = clinux_fcntl(copy, F_SETFL, O_NONBLOCK) }
        container.listeners.append(Attachment(client, output: copies[0], errors: copies[1]))
        let input = container.hasTerminal && container.start.has("stdin") ? container.output : container.input
        client.send(ShimMessage("ok"), with: input >= 0 ? [input] : [])
    }

    private func resize(_ message: ShimMessage, _ client: Client) throws(Failure) {
        let container = try running(message)
        if container.hasTerminal {
            _ = clinux_window(container.output, message.number("rows") ?? 24, message.number("columns") ?? 80)
        }
        client.send(ShimMessage("ok"))
    }

    /// Answers when the container has exited.
    private func stop(_ message: ShimMessage, _ client: Client) throws(Failure) {
        let container = try known(message)
        guard container.exit == nil else { return client.send(ShimMessage("ok")) }
        container.waiting.append(client)
        let grace: Int64 = message.number("grace") ?? 0
        guard grace > 0 else { return container.killAll() }
        container.signal(message.number("signal") ?? container.start.number("stop") ?? SIGTERM)
        loop.after(millis: grace) { if container.exit == nil { container.killAll() } }
    }

    private func remove(_ message: ShimMessage) throws(Failure) {
        let container = try known(message)
        guard container.exit != nil else { throw Failure("container \(container.name) is running", errno: EBUSY) }
        containers.removeAll { $0 === container }
        saveState()
    }
}
