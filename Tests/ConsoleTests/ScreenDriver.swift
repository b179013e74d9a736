import Shared
import Testing

@testable import Console

/// Presses keys and reads the screen, without a terminal, tasks or time: the reducer's effects are answered at once out
/// of a fake cluster, so that the console is idle whenever a key returns.
struct ScreenDriver {
    var state: AppState
    var cluster: FakeCluster
    /// Effects that the fake cluster does not answer by itself: actions, shells, plans.
    var effects: [Effect] = []

    init(_ cluster: FakeCluster = .demo, size: Size = Size(80, 24)) {
        self.cluster = cluster
        var world = World(cluster: "demo", server: "https://127.0.0.1:6443", now: FakeCluster.now)
        world.abilities = World.Abilities(killNode: true, killContainer: false, shell: true)
        state = AppState(world: world, size: size)
        send(.pulse(.up(version: "v1.33.0+kotohajime-0.1.0")))
        send(.discovered(FakeCluster.resources))
    }

    mutating func send(_ message: Message) { perform(state.receive(message)) }

    private mutating func perform(_ new: [Effect]) {
        for effect in new {
            switch effect {
            case .follow(let key):
                for news in cluster.answer(key) { send(.feed(key, news)) }
            case .unfollow: break
            default: effects.append(effect)
            }
        }
    }

    mutating func press(_ keys: Key...) {
        for key in keys {
            send(.input(.key(key)))
            state.settle()
        }
    }
    mutating func type(_ text: String) {
        for character in text { press(.character(character)) }
    }
    /// Types a command after `:`.
    mutating func command(_ text: String) {
        type(":" + text)
        press(.enter)
    }
    /// An object changes in the cluster; its watchers see it.
    mutating func put(_ object: JSON, _ resource: Resource) {
        send(.feed(.all(resource), .changed([.put(Item.project(object, resource.type))])))
    }
    mutating func remove(_ name: String, in namespace: String = "", _ resource: Resource) {
        send(.feed(.all(resource), .changed([.removed(Item.Key(namespace: namespace, name: name))])))
    }

    mutating func canvas() -> Canvas {
        state.settle()
        return Frame.draw(state)
    }
    mutating func screen() -> String { canvas().text }
}

/// Expects a text on the screen, or expects it not to be there.
func expect(
    _ driver: inout ScreenDriver, _ text: String, shown: Bool = true, _ place: SourceLocation = #_sourceLocation
) {
    let screen = driver.screen()
    #expect(screen.contains(text) == shown, "\(screen)", sourceLocation: place)
}

/// A cluster made of JSON objects, as the demo has them.
struct FakeCluster {
    static let now = Timestamp(rfc3339: "2026-11-23T14:30:00Z") ?? Timestamp(seconds: 0)
    var objects: [Resource: [JSON]] = [:]
    var refused: [String: Status] = [:]

    static let configMaps = Resource(ConfigMap.type, shortNames: ["cm"])
    static let resources = Resource.known + [configMaps]

    func answer(_ key: FeedKey) -> [FeedNews] {
        if let status = refused[key.resource.plural] { return [.refused(status)] }
        let name = key.fields.split(separator: "=").last.map(String.init)
        let found = (objects[key.resource] ?? []).filter { json in
            (key.namespace.isEmpty || Object(json).namespace == key.namespace)
                && (name == nil || Object(json).name == name)
        }
        let isTable = key.form == .table
        let items = found.map { json in
            isTable
                ? Item(
                    metadata: Object(json).metadata, .cells([Object(json).name, "\(json["data"].members.count)", "3d"]))
                : Item.project(json, key.resource.type, isWhole: key.form == .whole)
        }
        let columns =
            isTable
            ? [("Name", "string"), ("Data", "integer"), ("Age", "string")].map {
                TableColumn(name: $0.0, type: $0.1, priority: 0)
            } : []
        return [.page(items, columns: columns, isFirst: true, remaining: nil), .listed, .live]
    }

    static func ago(_ seconds: Int) -> String { (now - .seconds(seconds)).rfc3339 }

    static func node(_ name: String, ready: Bool = true, age: Int = 7_200) -> JSON {
        [
            "apiVersion": "v1", "kind": "Node",
            "metadata": [
                "name": .string(name), "uid": .string("u-\(name)"), "resourceVersion": "1",
                "creationTimestamp": .string(ago(age)),
            ],
            "spec": ["podCIDR": "10.244.1.0/24"],
            "status": [
                "allocatable": ["cpu": "2", "memory": "4Gi", "pods": "110"],
                "addresses": [["type": "InternalIP", "address": "10.89.0.11"]],
                "nodeInfo": ["kubeletVersion": "v1.33.0", "osImage": "Debian GNU/Linux 12", "kernelVersion": "6.1.0"],
                "conditions": [
                    [
                        "type": "Ready", "status": ready ? "True" : "Unknown",
                        "reason": ready ? "KubeletReady" : "NodeStatusUnknown",
                        "message": ready ? "" : "the agent stopped renewing its lease",
                        "lastTransitionTime": .string(ago(60)),
                    ]
                ],
            ],
        ]
    }

    static func pod(
        _ name: String, app: String, hash: String = "", namespace: String = "default", node: String, age: Int = 300,
        restarts: Int = 0,
        state: JSON = ["running": ["startedAt": "2026-11-23T14:25:00Z"]], ready: Bool = true, phase: String = "Running",
        lastState: JSON = [:]
    ) -> JSON {
        var labels: JSON = ["app": .string(app)]
        if !hash.isEmpty { labels["pod-template-hash"] = .string(hash) }
        let owner = hash.isEmpty ? app : "\(app)-\(hash)"
        return [
            "apiVersion": "v1", "kind": "Pod",
            "metadata": [
                "name": .string(name), "namespace": .string(namespace), "uid": .string("u-\(name)"),
                "resourceVersion": "1",
                "creationTimestamp": .string(ago(age)), "labels": labels,
                "ownerReferences": [
                    [
                        "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": .string(owner),
                        "uid": .string("u-\(owner)"), "controller": true,
                    ]
                ],
            ],
            "spec": [
                "nodeName": .string(node), "serviceAccountName": "default",
                "containers": [
                    [
                        "name": .string(app), "image": "localhost/host",
                        "command": ["/usr/local/bin/kagent", "sample", .string(app)],
                        "resources": ["requests": ["cpu": "250m", "memory": "64Mi"]],
                        "ports": [["containerPort": 8080]],
                    ]
                ],
            ],
            "status": [
                "phase": .string(phase), "podIP": node.isEmpty ? "" : "10.244.1.7",
                "hostIP": node.isEmpty ? "" : "10.89.0.11", "qosClass": "Burstable",
                "conditions": [
                    [
                        "type": "Ready", "status": ready ? "True" : "False",
                        "lastTransitionTime": .string(ago(min(age, 240))),
                    ]
                ],
                "containerStatuses": node.isEmpty
                    ? []
                    : [
                        [
                            "name": .string(app), "ready": JSON(ready), "restartCount": JSON(restarts), "state": state,
                            "lastState": lastState,
                        ]
                    ],
            ],
        ]
    }

    static func deployment(_ name: String, replicas: Int, ready: Int, namespace: String = "default") -> JSON {
        [
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": [
                "name": .string(name), "namespace": .string(namespace), "uid": .string("u-\(name)"),
                "creationTimestamp": .string(ago(600)),
            ],
            "spec": [
                "replicas": JSON(replicas), "selector": ["matchLabels": ["app": .string(name)]],
                "strategy": ["type": "RollingUpdate"],
                "template": ["spec": ["containers": [["name": .string(name), "image": "localhost/host"]]]],
            ],
            "status": [
                "replicas": JSON(replicas), "readyReplicas": JSON(ready), "updatedReplicas": JSON(replicas),
                "availableReplicas": JSON(ready),
            ],
        ]
    }

    static func slice(_ service: String, _ pods: [String]) -> JSON {
        [
            "metadata": [
                "name": .string("\(service)-x1"), "namespace": "default", "uid": .string("u-\(service)-x1"),
                "labels": ["kubernetes.io/service-name": .string(service)],
            ],
            "endpoints": .array(
                pods.map {
                    [
                        "addresses": ["10.244.1.7"], "conditions": ["ready": true],
                        "targetRef": ["kind": "Pod", "name": .string($0)],
                    ]
                }),
        ]
    }

    static func event(
        _ name: String, _ kind: String, _ object: String, _ reason: String, _ message: String, warning: Bool, age: Int,
        count: Int = 1
    ) -> JSON {
        [
            "apiVersion": "v1", "kind": "Event",
            "metadata": [
                "name": .string(name), "namespace": "default", "uid": .string("u-\(name)"),
                "creationTimestamp": .string(ago(age)),
            ],
            "type": warning ? "Warning" : "Normal", "reason": .string(reason), "message": .string(message),
            "count": JSON(count),
            "lastTimestamp": .string(ago(age)), "source": ["component": "kagent"],
            "involvedObject": [
                "kind": .string(kind), "namespace": "default", "name": .string(object), "uid": .string("u-\(object)"),
            ],
        ]
    }

    /// Three nodes, a web Deployment spread over them, a pod that crashes, a job that is done, one that waits.
    static var demo: FakeCluster {
        var cluster = FakeCluster()
        cluster.objects[.nodes] = [node("node-1"), node("node-2"), node("node-3")]
        let terminated: JSON = ["terminated": ["exitCode": 137, "reason": "OOMKilled", "finishedAt": .string(ago(12))]]
        cluster.objects[.pods] = [
            pod("web-7c9f6d-x2lqz", app: "web", hash: "7c9f6d", node: "node-1"),
            pod("web-7c9f6d-k8wtn", app: "web", hash: "7c9f6d", node: "node-2"),
            pod("web-7c9f6d-p5rvd", app: "web", hash: "7c9f6d", node: "node-3"),
            pod("logger-5bd4c-qq7hk", app: "logger", hash: "5bd4c", node: "node-1", age: 5_400),
            pod(
                "crash-66f8b-zz41s", app: "crash", hash: "66f8b", node: "node-2", age: 260, restarts: 4,
                state: ["waiting": ["reason": "CrashLoopBackOff"]], ready: false, lastState: terminated),
            pod(
                "batch-h7x2p", app: "batch", node: "node-3", age: 90,
                state: ["terminated": ["exitCode": 0, "reason": "Completed"]], ready: false, phase: "Succeeded"),
        ]
        cluster.objects[.deployments] = [
            deployment("web", replicas: 3, ready: 3), deployment("crash", replicas: 1, ready: 0),
            deployment("logger", replicas: 1, ready: 1),
        ]
        cluster.objects[.services] = [
            [
                "metadata": [
                    "name": "web", "namespace": "default", "uid": "u-svc-web", "creationTimestamp": .string(ago(600)),
                ],
                "spec": [
                    "type": "NodePort", "clusterIP": "10.96.12.7", "selector": ["app": "web"],
                    "ports": [["port": 80, "nodePort": 30080, "protocol": "TCP"]],
                ],
            ]
        ]
        cluster.objects[.endpointSlices] = [slice("web", ["web-7c9f6d-x2lqz", "web-7c9f6d-k8wtn", "web-7c9f6d-p5rvd"])]
        cluster.objects[.events] = [
            event(
                "e1", "Pod", "crash-66f8b-zz41s", "BackOff", "Back-off restarting failed container crash",
                warning: true, age: 10, count: 5),
            event(
                "e2", "Pod", "web-7c9f6d-x2lqz", "Scheduled",
                "Successfully assigned default/web-7c9f6d-x2lqz to node-1", warning: false, age: 300),
            event("e3", "Pod", "web-7c9f6d-x2lqz", "Started", "Started container web", warning: false, age: 299),
        ]
        cluster.objects[.namespaces] = ["default", "kube-system"].map { name in
            [
                "apiVersion": "v1", "kind": "Namespace",
                "metadata": [
                    "name": .string(name), "uid": .string("u-ns-\(name)"), "creationTimestamp": .string(ago(7_200)),
                ],
            ]
        }
        cluster.objects[configMaps] = [
            [
                "apiVersion": "v1", "kind": "ConfigMap",
                "metadata": [
                    "name": "日本語の設定", "namespace": "default", "uid": "u-cm", "creationTimestamp": .string(ago(600)),
                ], "data": ["greeting": "こんにちは"],
            ],
            [
                "apiVersion": "v1", "kind": "ConfigMap",
                "metadata": [
                    "name": "web-config", "namespace": "default", "uid": "u-cm2",
                    "creationTimestamp": .string(ago(600)),
                ], "data": ["color": "blue"],
            ],
        ]
        return cluster
    }
}
