import Shared
import Testing

@testable import Console

struct AppStateTests {
    /// A console to which the server has not told yet what resources it has.
    private func unread() -> AppState {
        AppState(world: World(cluster: "demo", server: "", now: FakeCluster.now), size: Size(80, 24))
    }
    private func enter(_ text: String, _ state: inout AppState) {
        for character in text { _ = state.receive(.input(.key(.character(character)))) }
        _ = state.receive(.input(.key(.enter)))
    }

    @Test func `a command that comes before the server's list of resources waits for it`() {
        var state = unread()
        enter(":configmaps default", &state)
        #expect(state.notice?.text == "Reading which resources the server has…")
        let effects = state.receive(.discovered(FakeCluster.resources))
        #expect(state.top.title == "ConfigMaps")
        #expect(state.world.namespace == "default")
        #expect(
            effects.contains { if case .follow(let key) = $0 { key.resource.plural == "configmaps" } else { false } })
    }

    @Test func `a command that waits can be called off, and what is known does not wait`() {
        var state = unread()
        enter(":configmaps", &state)
        _ = state.receive(.input(.key(.escape)))
        _ = state.receive(.discovered(FakeCluster.resources))
        #expect(state.screens.count == 1)
        state = unread()
        enter(":pods", &state)
        #expect(state.top.title == "Pods")
    }

    @Test func `a name that the server's list does not have is refused with it, not before`() {
        var state = unread()
        enter(":confgmaps", &state)
        _ = state.receive(.discovered(FakeCluster.resources))
        #expect(state.notice?.text.contains("did you mean :configmaps?") == true)
        #expect(state.screens.count == 1)
    }

    @Test func `a key that is held down can not confirm`() {
        for key in [Key.enter, .tab, .character("X"), .character("y"), .character(" ")] {
            var driver = ScreenDriver()
            driver.command("pods")
            driver.press(.character("X"))
            #expect(driver.state.dialog != nil)
            for _ in 0..<100 { driver.press(key) }
            #expect(!driver.effects.contains { if case .perform = $0 { true } else { false } })
        }
    }

    @Test func `confirming deletes the selected object and no other of that name`() throws {
        var driver = ScreenDriver()
        driver.command("pods /logger")
        driver.press(.character("X"), .tab, .enter)
        guard case .perform(let action) = driver.effects.last, case .calls(let calls) = action.work else {
            return #expect(Bool(false))
        }
        #expect(calls.map(\.method) == ["DELETE"])
        #expect(calls.first?.path == "/api/v1/namespaces/default/pods/logger-5bd4c-qq7hk")
        #expect(calls.first?.body?.at("preconditions", "uid").string == "u-logger-5bd4c-qq7hk")
    }

    @Test func `the confirmation says what a service loses`() {
        var driver = ScreenDriver()
        driver.command("deploy /web")
        driver.press(.character("X"))
        let screen = driver.screen()
        #expect(screen.contains("Goes with it: 3 pods"))
        #expect(screen.contains("Service web: 3 → 0 ready endpoints, nothing serves"))
        #expect(screen.contains("[ Cancel ]"))
    }

    @Test func `scaling up is done at once and down asks`() {
        var driver = ScreenDriver()
        driver.command("deploy /web")
        driver.press(.character("s"))
        driver.type("5")
        driver.press(.enter)
        guard case .perform(let action) = driver.effects.last, case .calls(let calls) = action.work else {
            return #expect(Bool(false))
        }
        #expect(calls.first?.path == "/apis/apps/v1/namespaces/default/deployments/web/scale")
        #expect(calls.first?.body == ["spec": ["replicas": 5]])
        driver.press(.character("s"))
        driver.type("0")
        driver.press(.enter)
        #expect(driver.state.dialog?.title == "Scale deployment web down?")
    }

    @Test func `the selection follows its object`() {
        var driver = ScreenDriver()
        driver.command("pods")
        driver.press(.end)
        #expect(driver.state.top.targets(driver.state.world).first?.key.name == "web-7c9f6d-x2lqz")
        driver.put(FakeCluster.pod("zzz", app: "z", node: "node-1"), .pods)
        driver.put(FakeCluster.pod("aaa", app: "a", node: "node-1"), .pods)
        _ = driver.screen()
        #expect(driver.state.top.targets(driver.state.world).first?.key.name == "web-7c9f6d-x2lqz")
        driver.press(.character("A"), .character("O"))
        #expect(driver.state.top.targets(driver.state.world).first?.key.name == "web-7c9f6d-x2lqz")
        driver.remove("web-7c9f6d-x2lqz", in: "default", .pods)
        _ = driver.screen()
        #expect(driver.state.top.targets(driver.state.world).count == 1)
    }

    @Test func `back restores the place, the filter and the order`() {
        var driver = ScreenDriver()
        driver.command("pods")
        driver.type("/web")
        driver.press(.enter, .down, .character("d"))
        #expect(driver.state.top.scope == .detail)
        driver.press(.escape)
        expect(&driver, "/web")
        #expect(driver.state.top.targets(driver.state.world).first?.key.name == "web-7c9f6d-p5rvd")
        driver.press(.escape)
        #expect(driver.state.top.filterText.isEmpty)
        #expect(driver.state.top.scope == .table)
        driver.press(.escape, .escape, .escape)
        #expect(driver.state.top.scope == .topology)
        #expect(!driver.effects.contains(.quit(0)))
        driver.press(.character("q"))
        #expect(driver.effects.contains(.quit(0)))
    }

    @Test func `what is shown is what is followed`() {
        var driver = ScreenDriver()
        #expect(Set(driver.state.world.feeds.keys) == Set(World.overview))
        driver.command("cm")
        #expect(driver.state.world.feeds.keys.contains(FeedKey(resource: FakeCluster.configMaps, form: .table)))
        driver.press(.escape)
        #expect(Set(driver.state.world.feeds.keys) == Set(World.overview))
    }

    @Test func `news of a screen that was left changes nothing`() {
        var driver = ScreenDriver()
        driver.command("cm")
        driver.press(.escape)
        driver.send(.feed(FeedKey(resource: FakeCluster.configMaps, form: .table), .live))
        #expect(Set(driver.state.world.feeds.keys) == Set(World.overview))
    }

    @Test(arguments: ["deploy /web", "svc /web", "rs", "no /node-1"])
    func `enter leads to the pods and new ones join them`(command: String) {
        var cluster = FakeCluster.demo
        cluster.objects[.replicaSets] = [FakeCluster.deployment("web-7c9f6d", replicas: 3, ready: 3)]
        var driver = ScreenDriver(cluster)
        driver.command("ns default")
        driver.command(command)
        driver.press(.enter)
        expect(&driver, "web-7c9f6d-x2lqz")
        driver.put(FakeCluster.pod("web-7c9f6d-fresh", app: "web", hash: "7c9f6d", node: "node-1"), .pods)
        expect(&driver, "web-7c9f6d-fresh")
        expect(&driver, "crash-66f8b", shown: false)
    }

    @Test func `a lost API shows how old the data is and keeps it`() {
        var driver = ScreenDriver()
        driver.send(.pulse(.down(since: FakeCluster.now, why: "connection refused")))
        driver.send(.feed(.all(.pods), .lost("connection refused", retry: .seconds(1))))
        driver.send(.tick(FakeCluster.now + .seconds(180)))
        expect(&driver, "API down 3m – reconnecting")
        driver.command("pods")
        expect(&driver, "web-7c9f6d-x2lqz")
        driver.send(.pulse(.up(version: "v1.33.0")))
        #expect(driver.effects.contains(.reconnect))
        expect(&driver, "STALE 3m")
        driver.send(.feed(.all(.pods), .live))
        expect(&driver, "● live")
    }

    @Test func `empty, loading, refused and filtered are four screens`() {
        var cluster = FakeCluster.demo
        cluster.objects[.jobs] = []
        cluster.refused["services"] = Status.forbidden(GroupResource("services"), "", "user x may not list")
        var driver = ScreenDriver(cluster)
        driver.command("jobs")
        expect(&driver, "No jobs")
        driver.command("svc")
        expect(&driver, "The server refuses to list services")
        driver.command("pods /nothing-like-it")
        expect(&driver, "Nothing matches /nothing-like-it")
        driver.command("ns default")
        #expect(driver.state.world.namespace == "default")
    }

    @Test func `a mistyped resource names what may have been meant`() {
        var driver = ScreenDriver()
        driver.command("deplyoments")
        expect(&driver, "did you mean :deployments?")
        driver.command("po kube-system /x")
        #expect(driver.state.world.namespace == "kube-system")
        #expect(driver.state.top.filterText == "x")
        driver.press(.character("0"))
        #expect(driver.state.world.namespace.isEmpty)
        driver.press(.character("1"))
        #expect(driver.state.world.namespace == "kube-system")
    }

    @Test func `pasted text is typed and never runs`() {
        var driver = ScreenDriver()
        driver.send(.input(.paste(":quit\r")))
        #expect(driver.effects.isEmpty)
        driver.type(":")
        driver.send(.input(.paste("pods\n")))
        #expect(driver.state.prompt?.text == "pods ")
    }

    @Test func `a disabled key says why`() {
        var driver = ScreenDriver()
        driver.command("pods")
        driver.press(.character("C"))
        expect(&driver, "offers no way to end a container")
    }

    @Test func `help is made of the key table`() {
        var driver = ScreenDriver(size: Size(100, 200))
        driver.press(.character("?"))
        let screen = driver.screen()
        for binding in Keymap.bindings(in: .topology) { #expect(screen.contains(binding.keys[0].description)) }
        driver.type("/cordon")
        expect(&driver, "Keep new pods off the node")
        expect(&driver, "Leave the console", shown: false)
    }

    @Test func `no destructive command lies on a control chord`() {
        let destructive: Set<Intent> = [.delete, .kill, .killContainer, .drain, .restart, .scale, .edit, .cordon]
        for binding in Keymap.bindings where destructive.contains(binding.command) {
            for key in binding.keys { if case .control = key { Issue.record("\(binding.command) lies on \(key)") } }
        }
    }

    @Test func `hostile numbers and times do not end the console`() {
        var cluster = FakeCluster.demo
        let far = ["0001-01-01T00:00:00Z", "1700-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2261-01-01T00:00:00Z"]
        cluster.objects[.events] = far.enumerated().map { index, time in
            var event = FakeCluster.event(
                "e\(index)", "Pod", "x", "R\u{1B}[2J", "m\u{202E}", warning: true, age: 1, count: .max)
            event["lastTimestamp"] = .string(time)
            event["metadata"]["creationTimestamp"] = .string(time)
            return event
        }
        var work = FakeCluster.deployment("web", replicas: .max, ready: .max)
        work["status"]["updatedReplicas"] = JSON(.min)
        cluster.objects[.deployments] = [work]
        var pod = FakeCluster.pod("p", app: "web", node: "node-1", restarts: .max)
        pod["spec"]["containers"] = .array(
            Array(
                repeating: ["name": "c", "resources": ["requests": ["cpu": "9223372036854775807", "memory": "8Ei"]]],
                count: 3))
        cluster.objects[.pods] = [pod]
        var driver = ScreenDriver(cluster, size: Size(160, 50))
        for command in ["topology", "ev", "deploy", "pods", "no", "problems"] {
            driver.command(command)
            driver.press(
                .character("A"), .character("S"), .enter, .escape, .character("s"), .character("0"), .enter, .escape)
            let screen = driver.screen()
            #expect(!screen.isEmpty)
        }
    }

    @Test func `any size and any keys draw a frame of that size`() {
        var random = RowIndexTests.Scramble(state: 7)
        let keys: [Key] = Keymap.bindings.flatMap(\.keys).filter { $0 != .control("c") && $0 != .character("q") }
        var driver = ScreenDriver()
        for _ in 0..<400 {
            let size = Size(Int.random(in: 1...200, using: &random), Int.random(in: 1...60, using: &random))
            driver.send(.resized(size))
            for _ in 0..<3 { if let key = keys.randomElement(using: &random) { driver.press(key) } }
            let canvas = driver.canvas()
            #expect(canvas.size == size)
        }
    }
}
