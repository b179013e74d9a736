import Shared
import Testing

@testable import Console

/// Each rule of the explanations with the least that triggers it.
struct WhyTests {
    private func waiting(_ reason: String, _ message: String = "", restarts: Int = 0, last: JSON = [:]) -> JSON {
        FakeCluster.pod(
            "web-h-a", app: "web", hash: "h", node: "n", restarts: restarts,
            state: ["waiting": ["reason": .string(reason), "message": .string(message)]], ready: false,
            phase: "Pending",
            lastState: last)
    }
    private func pod(_ pod: JSON, _ events: [JSON] = []) -> [String] {
        World.of([.pods: [pod], .nodes: [FakeCluster.node("n")], .events: events]).why(.pods, "web-h-a")
    }

    @Test func `a healthy pod has no cause`() {
        #expect(pod(FakeCluster.pod("web-h-a", app: "web", hash: "h", node: "n")).isEmpty)
    }

    @Test(arguments: [
        ("manifest for x:1 not found: manifest unknown", "the registry has no such image or tag"),
        ("dial tcp: lookup registry.invalid: no such host", "the registry's name can not be resolved on the node"),
        (
            "unauthorized: authentication required",
            "the registry refuses: it wants a login, or there is no such repository"
        ),
        ("dial tcp 10.0.0.1:443: connect: connection refused", "the registry can not be reached from the node"),
        ("toomanyrequests: You have reached your pull rate limit", "the registry limits how often one may ask"),
        ("x509: certificate signed by unknown authority", "the registry's certificate is not trusted by the node"),
    ])
    func `an image that can not be had names the cause`(_ message: String, _ cause: String) {
        #expect(pod(waiting("ErrImagePull", message)).first == cause)
    }

    @Test func `the registry's answer is found in the events while the status only says back-off`() {
        let event = FakeCluster.event(
            "e", "Pod", "web-h-a", "Failed", "Failed to pull image: unauthorized", warning: true, age: 5)
        #expect(
            pod(waiting("ImagePullBackOff", "Back-off pulling image"), [event]).first?.contains("wants a login") == true
        )
    }

    @Test func `a crash loop tells exit code, meaning and restarts`() {
        let told = pod(
            waiting("CrashLoopBackOff", restarts: 4, last: ["terminated": ["exitCode": 127, "reason": "Error"]]))
        #expect(told.first == "container web ended with exit 127: the command is not in the image")
        #expect(told.contains("it was restarted 4×, and waits longer each time (CrashLoopBackOff)"))
    }

    @Test func `a container killed for memory names its limit`() {
        var json = waiting(
            "CrashLoopBackOff", restarts: 1, last: ["terminated": ["exitCode": 137, "reason": "OOMKilled"]])
        json["spec"]["containers"] = [["name": "web", "image": "x", "resources": ["limits": ["memory": "64Mi"]]]]
        #expect(pod(json).first == "container web needs more memory than its limit of 64Mi")
    }

    @Test func `a liveness probe that ends a container is the root of its restarts`() {
        let events = [
            FakeCluster.event(
                "e1", "Pod", "web-h-a", "Unhealthy", "Liveness probe failed: HTTP probe failed with statuscode: 500",
                warning: true, age: 20, count: 3),
            FakeCluster.event(
                "e2", "Pod", "web-h-a", "Killing", "Container web failed liveness probe, will be restarted",
                warning: false, age: 19),
        ]
        let told = pod(
            waiting("CrashLoopBackOff", restarts: 2, last: ["terminated": ["exitCode": 143, "reason": "Error"]]), events
        )
        #expect(told.first == "Liveness probe failed: HTTP probe failed with statuscode: 500")
    }

    @Test func `a missing configuration says what to make`() {
        let told = pod(waiting("CreateContainerConfigError", "configmap \"web\" not found"))
        #expect(told.first == "configmap \"web\" not found")
        #expect(told.contains("do: make the configmap that it names, or mark the reference optional"))
    }

    @Test func `a readiness probe that fails is told with its answer`() {
        let event = FakeCluster.event(
            "e", "Pod", "web-h-a", "Unhealthy", "Readiness probe failed: connection refused", warning: true, age: 3,
            count: 9)
        let told = pod(FakeCluster.pod("web-h-a", app: "web", hash: "h", node: "n", ready: false), [event])
        #expect(told.first == "Readiness probe failed: connection refused")
    }

    @Test func `the scheduler's message is taken apart`() throws {
        var json = FakeCluster.pod("web-h-a", app: "web", hash: "h", node: "", ready: false, phase: "Pending")
        json["status"]["conditions"] = [
            [
                "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
                "message":
                    "0/4 nodes are available: 1 node(s) had untolerated taint {gpu: a, b}, 2 Insufficient cpu, 1 node(s) were unschedulable. preemption: 0/4 nodes are available: 4 No preemption victims found.",
            ]
        ]
        let told = pod(json)
        #expect(
            told.prefix(3) == [
                "1 node: taint {gpu: a, b} keeps pods off", "2 nodes: too little cpu is left", "1 node: cordoned",
            ])
        #expect(told.contains { $0.hasPrefix("the pod asks for 250m cpu, 64Mi memory; the most that is left") })
    }

    @Test func `a claim that waits is the root of a pod that waits`() {
        var json = FakeCluster.pod("web-h-a", app: "web", hash: "h", node: "", ready: false, phase: "Pending")
        json["spec"]["volumes"] = [["name": "data", "persistentVolumeClaim": ["claimName": "data"]]]
        json["status"]["conditions"] = [
            [
                "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
                "message": "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.",
            ]
        ]
        let claim: JSON = [
            "metadata": ["name": "data", "namespace": "default", "creationTimestamp": .string(FakeCluster.ago(90))],
            "spec": ["storageClassName": "fast", "resources": ["requests": ["storage": "1Gi"]]],
            "status": ["phase": "Pending"],
        ]
        let event = FakeCluster.event(
            "e", "PersistentVolumeClaim", "data", "ProvisioningFailed",
            "storageclass.storage.k8s.io \"fast\" not found", warning: true, age: 3)
        let told = World.of([.pods: [json], .claims: [claim], .events: [event]]).why(.pods, "web-h-a")
        #expect(told.first == "there is no storage class fast")
    }

    @Test func `a lost node is the root of its pods`() {
        let world = World.of([
            .pods: [FakeCluster.pod("web-h-a", app: "web", hash: "h", node: "n")],
            .nodes: [FakeCluster.node("n", ready: false)],
        ])
        #expect(
            world.why(.pods, "web-h-a").first
                == "node n is lost: NodeStatusUnknown: the agent stopped renewing its lease")
    }

    @Test func `a deletion that hangs names the finalizer`() {
        var json = FakeCluster.pod("web-h-a", app: "web", hash: "h", node: "n")
        json["metadata"]["deletionTimestamp"] = .string(FakeCluster.ago(120))
        json["metadata"]["finalizers"] = ["acme.io/cleanup"]
        #expect(pod(json).first == "its deletion is held by finalizer acme.io/cleanup")
    }

    @Test func `a deployment blames what most of its pods suffer from, and says what services lose`() {
        let crash = waiting("CrashLoopBackOff", restarts: 1, last: ["terminated": ["exitCode": 1]])
        let service = FakeCluster.demo.objects[.services] ?? []
        let told = World.of([
            .pods: [crash], .deployments: [FakeCluster.deployment("web", replicas: 1, ready: 0)], .services: service,
            .nodes: [FakeCluster.node("n")],
        ]).why(.deployments, "web")
        #expect(told.first == "container web ended with exit 1: the program reported an error")
        #expect(told.contains("1 of 1 pod is so: web-a"))
        #expect(told.contains("service web has no ready endpoint: nothing answers"))
    }

    @Test func `a quota that refuses pods is told in numbers`() {
        var json = FakeCluster.deployment("web", replicas: 3, ready: 0)
        json["status"]["conditions"] = [
            [
                "type": "ReplicaFailure", "status": "True", "reason": "FailedCreate",
                "message":
                    "pods \"web-1\" is forbidden: exceeded quota: q1, requested: pods=1, used: pods=5, limited: pods=5",
            ]
        ]
        let told = World.of([.deployments: [json]]).why(.deployments, "web")
        #expect(told.first == "quota q1 is used up: pods 5 of 5 used, 1 more asked for")
    }

    @Test func `a service whose selector fits nothing shows the labels that come near`() {
        var service = (FakeCluster.demo.objects[.services] ?? [])[0]
        service["spec"]["selector"] = ["app": "wbe"]
        let told = World.of([
            .pods: [FakeCluster.pod("web-h-a", app: "web", hash: "h", node: "n")], .services: [service],
        ]).why(.services, "web")
        #expect(told.first == "no pod has the labels app=wbe that it selects; there are pods with app=web")
    }

    @Test func `a named target port that no container has is found`() {
        var service = (FakeCluster.demo.objects[.services] ?? [])[0]
        service["spec"]["ports"] = [["port": 80, "targetPort": "http"]]
        var json = FakeCluster.pod("web-h-a", app: "web", hash: "h", node: "n")
        json["spec"]["containers"] = [["name": "web", "ports": [["name": "web", "containerPort": 8080]]]]
        let told = World.of([.pods: [json], .services: [service]]).why(.services, "web")
        #expect(told.first == "its target port \"http\" is no port name of the pods; they have web")
    }

    @Test func `what the server refuses to show is said`() {
        let world = World.of([.pods: [FakeCluster.pod("web-h-a", app: "web", node: "n")]], refused: [.events])
        #expect(world.why(.pods, "web-h-a") == ["unseen: events (forbidden)"])
    }
}
