import Shared
import Testing

@testable import Agent

struct PodStepTests {
    private let now = PodBed.start + .seconds(1)

    @Test func `a new pod gets volumes, sandbox, network, image and container in this order`() {
        var state = PodState(pod: PodBed.pod([PodBed.container("c")]))
        #expect(nextStep(state, now: now) == .mountVolumes)
        state.hasVolumes = true
        #expect(nextStep(state, now: now) == .createSandbox)
        state.sandbox = SandboxState(
            uid: "u-1", namespace: "ns", name: "p", shimPID: 1, networkNamespace: nil, isAlive: true, containers: [])
        #expect(nextStep(state, now: now) == .attach)
        state.address = IPv4Address(10, 0, 0, 9)
        #expect(nextStep(state, now: now) == .pull(container: "c"))
        state.containers["c", default: ContainerMemory()].image = PodBed.image
        #expect(nextStep(state, now: now) == .start(container: "c", attempt: 0))
        state.put(PodBed.running("c"))
        #expect(nextStep(state, now: now) == .wait(until: nil))
    }

    @Test func `init containers run one after the other before the others`() {
        var state = PodBed.ready(
            PodBed.pod([PodBed.container("c")], inits: [PodBed.container("i1"), PodBed.container("i2")]))
        #expect(nextStep(state, now: now) == .start(container: "i1", attempt: 0))
        state.put(PodBed.running("i1"))
        #expect(nextStep(state, now: now) == .wait(until: nil))
        state.put(PodBed.exited("i1", code: 0))
        #expect(nextStep(state, now: now) == .start(container: "i2", attempt: 0))
        state.put(PodBed.exited("i2", code: 0))
        #expect(nextStep(state, now: now) == .start(container: "c", attempt: 0))
    }

    @Test func `a sidecar stays and the next container starts once it is up`() {
        var state = PodBed.ready(
            PodBed.pod([PodBed.container("c")], inits: [PodBed.container("s", ["restartPolicy": "Always"])]))
        #expect(nextStep(state, now: now) == .start(container: "s", attempt: 0))
        state.put(PodBed.running("s"))
        #expect(nextStep(state, now: now) == .wait(until: nil))
        state.containers["s"]?.isStarted = true
        #expect(nextStep(state, now: now) == .start(container: "c", attempt: 0))
    }

    @Test func `the first restart is at once, the second after ten seconds`() {
        var state = PodBed.ready(PodBed.pod([PodBed.container("c")]))
        state.put(PodBed.exited("c", code: 1))
        #expect(nextStep(state, now: now) == .start(container: "c", attempt: 1))
        state.containers["c"]?.backoff.count(run: .seconds(1))
        state.put(PodBed.exited("c", 1, code: 1))
        #expect(nextStep(state, now: now) == .wait(until: now + .seconds(10)))
        #expect(nextStep(state, now: now + .seconds(10)) == .start(container: "c", attempt: 2))
    }

    @Test func `only the newest attempt and the one before are kept`() {
        var state = PodBed.ready(PodBed.pod([PodBed.container("c")]))
        state.put(PodBed.exited("c", 0, code: 1))
        state.put(PodBed.exited("c", 1, code: 1))
        state.put(PodBed.running("c", 2))
        #expect(nextStep(state, now: now) == .forget(ContainerID(sandbox: "u-1", name: "c", attempt: 0)))
    }

    @Test(arguments: [("Never", Int32(1)), ("OnFailure", 0), ("Never", 0)])
    func `a pod whose containers are done is taken down`(policy: String, code: Int32) {
        var state = PodBed.ready(PodBed.pod([PodBed.container("c")], spec: ["restartPolicy": .string(policy)]))
        state.put(PodBed.exited("c", code: code))
        #expect(nextStep(state, now: now) == .removeSandbox)
        state.dropSandbox()
        #expect(nextStep(state, now: now) == .cleanUp)
        state.hasVolumes = false
        state.address = nil
        #expect(nextStep(state, now: now) == .wait(until: nil))
    }

    @Test func `a deleted pod ends in order: signal, sandbox, volumes, the API`() {
        var pod = PodBed.pod([PodBed.container("c")])
        pod.metadata.deletionTimestamp = now + .seconds(5)
        pod.metadata.deletionGracePeriodSeconds = 5
        var state = PodBed.ready(pod)
        state.put(PodBed.running("c"))
        #expect(nextStep(state, now: now) == .stop(container: "c", deadline: now + .seconds(5)))
        state.endStart = now
        state.containers["c"]?.stop = .init(attempt: 0, deadline: now + .seconds(5))
        #expect(nextStep(state, now: now) == .wait(until: nil))
        state.put(PodBed.exited("c", code: 143))
        #expect(nextStep(state, now: now) == .removeSandbox)
        state.dropSandbox()
        #expect(nextStep(state, now: now) == .cleanUp)
        state.hasVolumes = false
        state.address = nil
        #expect(nextStep(state, now: now) == .confirm)
        state.isConfirmed = true
        #expect(nextStep(state, now: now) == .wait(until: nil))
        state.isWanted = false
        #expect(nextStep(state, now: now) == .end)
    }

    @Test func `a pod that is deleted by force meanwhile is killed at once`() {
        var state = PodBed.ready(PodBed.pod([PodBed.container("c")]))
        state.put(PodBed.running("c"))
        state.endStart = now
        state.containers["c"]?.stop = .init(attempt: 0, deadline: now + .seconds(30))
        state.isWanted = false
        #expect(nextStep(state, now: now) == .stop(container: "c", deadline: now))
    }

    @Test func `a dead sandbox is replaced and attempts go on counting`() {
        var state = PodBed.ready(PodBed.pod([PodBed.container("c")]))
        state.put(PodBed.running("c", 3))
        state.receive(.sandboxLost(uid: "u-1"))
        #expect(nextStep(state, now: now) == .removeSandbox)
        state.dropSandbox()
        #expect(nextStep(state, now: now) == .createSandbox)
        state.sandbox = SandboxState(
            uid: "u-1", namespace: "ns", name: "p", shimPID: 2, networkNamespace: nil, isAlive: true, containers: [])
        #expect(nextStep(state, now: now) == .start(container: "c", attempt: 4))
    }

    @Test func `an end that arrives before the start is not undone`() {
        var state = PodBed.ready(PodBed.pod([PodBed.container("c")]))
        state.put(PodBed.exited("c", code: 0))
        state.put(PodBed.running("c"))
        #expect(state.mainViews[0].isRunning == false)
    }
}
