import Shared
import Testing

@testable import Agent

struct StatusReportTests {
    private let now = PodBed.start + .seconds(2)

    private func status(_ state: PodState) -> JSON {
        StatusReport(state: state, hostAddress: "192.0.2.1", now: now).json
    }

    @Test func `a container that is not made yet waits with ContainerCreating`() {
        let status = status(PodState(pod: PodBed.pod([PodBed.container("c")])))
        #expect(status["phase"] == "Pending")
        #expect(status["containerStatuses"][0]["state"] == ["waiting": ["reason": "ContainerCreating"]])
        #expect(status["containerStatuses"][0]["started"] == false)
        #expect(status["qosClass"] == "BestEffort")
    }

    @Test func `conditions come in the order of the kubelet`() {
        var state = PodBed.ready(PodBed.pod([PodBed.container("c")]))
        state.put(PodBed.running("c"))
        state.containers["c"]?.isStarted = true
        state.containers["c"]?.isReady = true
        let conditions = status(state)["conditions"].items
        #expect(
            conditions.map { $0["type"] } == [
                "PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled",
            ])
        #expect(conditions.allSatisfy { $0["status"] == "True" })
    }

    @Test func `a crashed container that waits shows CrashLoopBackOff and its last state`() {
        var state = PodBed.ready(PodBed.pod([PodBed.container("c")]))
        state.containers["c"]?.backoff.count(run: .seconds(1))
        state.put(PodBed.exited("c", 0, code: 1))
        state.put(PodBed.exited("c", 1, code: 1))
        let status = status(state)
        let container = status["containerStatuses"][0]
        #expect(status["phase"] == "Running")
        #expect(
            container["state"] == [
                "waiting": [
                    "reason": "CrashLoopBackOff",
                    "message": "back-off 10s restarting failed container=c pod=p_ns(u-1)",
                ]
            ])
        #expect(container.at("lastState", "terminated", "containerID") == "kotohajime://u-1/c/1")
        #expect(container["restartCount"] == 1)
    }

    @Test(arguments: [(Int32(0), false, "Completed"), (1, false, "Error"), (137, true, "OOMKilled")])
    func `an end has Kubernetes' reason`(code: Int32, isOutOfMemory: Bool, reason: String) {
        var state = PodBed.ready(PodBed.pod([PodBed.container("c")], spec: ["restartPolicy": "Never"]))
        var ended = PodBed.exited("c", code: code)
        ended.exit?.oomKilled = isOutOfMemory
        state.put(ended)
        let status = status(state)
        #expect(status["containerStatuses"][0].at("state", "terminated", "reason").string == reason)
        #expect(status["phase"] == .string(code == 0 ? "Succeeded" : "Failed"))
    }

    @Test func `a pod whose init container fails for good has failed`() {
        var state = PodBed.ready(
            PodBed.pod([PodBed.container("c")], inits: [PodBed.container("i")], spec: ["restartPolicy": "Never"]))
        state.put(PodBed.exited("i", code: 7))
        #expect(status(state)["phase"] == "Failed")
    }

    @Test func `a readiness gate that nobody has set keeps the pod unready`() {
        var state = PodBed.ready(
            PodBed.pod([PodBed.container("c")], spec: ["readinessGates": [["conditionType": "example.com/x"]]]))
        state.put(PodBed.running("c"))
        state.containers["c"]?.isStarted = true
        state.containers["c"]?.isReady = true
        let ready = status(state)["conditions"].items.first { $0["type"] == "Ready" }
        #expect(ready?["reason"] == "ReadinessGatesNotReady")
    }
}
