import Shared
import Synchronization
import TestKit

@testable import Agent

/// Pods as tests need them.
enum PodBed {
    static func pod(_ containers: [JSON], inits: [JSON] = [], spec: JSON = [:]) -> Pod {
        var pod = Pod(name: "p", namespace: "ns")
        pod.metadata.uid = "u-1"
        pod.json["spec"] = spec
        pod.json["spec"]["nodeName"] = "n1"
        pod.json["spec"]["containers"] = .array(containers)
        if !inits.isEmpty { pod.json["spec"]["initContainers"] = .array(inits) }
        return pod
    }
    static func container(_ name: String, _ more: JSON = [:]) -> JSON {
        var json: JSON = ["name": .string(name), "image": "fake/run:1"]
        for (key, value) in more.members { json[key] = value }
        return json
    }
    /// A pod whose sandbox lives and has an address.
    static func ready(_ pod: Pod) -> PodState {
        var state = PodState(pod: pod)
        state.hasVolumes = true
        state.sandbox = SandboxState(
            uid: "u-1", namespace: "ns", name: "p", shimPID: 1, networkNamespace: nil, isAlive: true, containers: [])
        state.address = IPv4Address(10, 0, 0, 9)
        for view in state.allViews { state.containers[view.name, default: ContainerMemory()].image = image }
        return state
    }
    static let image = ImageInfo(reference: "docker.io/fake/run:1", id: "sha256:f")
    static let start = Timestamp(seconds: 1_767_225_600)

    static func running(_ name: String, _ attempt: Int = 0) -> ContainerState {
        var state = ContainerState(
            id: ContainerID(sandbox: "u-1", name: name, attempt: attempt), phase: .running, pid: 7,
            startedAt: start.nanoseconds)
        state.imageID = "sha256:f"
        return state
    }
    static func exited(_ name: String, _ attempt: Int = 0, code: Int32, after seconds: Int64 = 1) -> ContainerState {
        var state = running(name, attempt)
        state.phase = .exited
        state.exit = ContainerExit(code: code, finishedAt: (start + .seconds(seconds)).nanoseconds)
        return state
    }
}
