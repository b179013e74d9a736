import Shared
import Testing

@testable import Master

struct NodeAuthorizerTests {
    private static func agent(_ name: String) -> User {
        User("system:node:\(name)", groups: ["system:nodes", "system:authenticated"])
    }

    private static func code(
        _ server: MasterFixture, _ node: String, _ method: String, _ path: String, _ body: JSON? = nil
    ) async -> (code: Int, message: String) {
        do {
            _ = try await server.client(agent(node)).call(method, path, body: body)
            return (200, "")
        } catch let status as Status {
            return (status.code, status.message)
        } catch {
            return (0, "\(error)")
        }
    }

    /// Two nodes; the first one runs a pod that uses all kinds of objects.
    private static func server() async throws -> MasterFixture {
        let server = try await MasterFixture()
        let client = server.client()
        _ = try await client.create(ServiceAccount(name: "default", namespace: "default"))
        for name in ["own", "env", "other"] {
            _ = try await client.create(Secret(name: name, namespace: "default"))
            _ = try await client.create(ConfigMap(name: name, namespace: "default"))
        }
        _ = try await client.call(
            "POST", "/api/v1/persistentvolumes",
            body: [
                "apiVersion": "v1", "kind": "PersistentVolume", "metadata": ["name": "disk"],
                "spec": [
                    "capacity": ["storage": "1Gi"], "accessModes": ["ReadWriteOnce"], "hostPath": ["path": "/d"],
                    "claimRef": [
                        "namespace": "default", "name": "claim", "apiVersion": "v1", "kind": "PersistentVolumeClaim",
                    ],
                ],
            ])
        _ = try await client.call("POST", "/api/v1/namespaces/default/pods", body: pod("web", node: "n1"))
        for node in ["n1", "n2"] {
            _ = try await client.call("POST", "/api/v1/nodes", body: Node(name: node).json)
        }
        return server
    }

    private static func pod(_ name: String, node: String) -> JSON {
        let variable: JSON = ["name": "A", "valueFrom": ["secretKeyRef": ["name": "env", "key": "k"]]]
        return [
            "apiVersion": "v1", "kind": "Pod", "metadata": ["name": .string(name), "namespace": "default"],
            "spec": [
                "nodeName": .string(node), "containers": [["name": "c", "image": "i", "env": [variable]]],
                "volumes": [
                    ["name": "s", "secret": ["secretName": "own"]],
                    ["name": "c", "projected": ["sources": [["configMap": ["name": "own"]]]]],
                    ["name": "d", "persistentVolumeClaim": ["claimName": "claim"]],
                ],
            ],
        ]
    }

    @Test func `an agent reads what its pods use and nothing else`() async throws {
        let server = try await Self.server()
        let root = "/api/v1/namespaces/default"
        for path in [
            "\(root)/secrets/own", "\(root)/secrets/env", "\(root)/configmaps/own", "/api/v1/persistentvolumes/disk",
        ] {
            #expect(await Self.code(server, "n1", "GET", path).code == 200, "\(path)")
            let other = await Self.code(server, "n2", "GET", path)
            #expect(other.code == 403, "\(path)")
            #expect(
                other.message.hasSuffix("no relationship found between node 'n2' and this object"), "\(other.message)")
        }
        for path in ["\(root)/secrets/other", "\(root)/secrets", "/api/v1/secrets", "\(root)/configmaps"] {
            #expect(await Self.code(server, "n1", "GET", path).code == 403, "\(path)")
        }
        let named = "\(root)/secrets?fieldSelector=metadata.name%3Down"
        #expect(await Self.code(server, "n1", "GET", named).code == 200)
        #expect(
            await Self.code(server, "n1", "PUT", "\(root)/secrets/own", Secret(name: "own", namespace: "default").json)
                .code == 403)
        _ = try await server.client().call(
            "DELETE", "\(root)/pods/web", body: ["kind": "DeleteOptions", "gracePeriodSeconds": 0])
        #expect(await Self.code(server, "n1", "GET", "\(root)/secrets/own").code == 403)
    }

    @Test func `an agent writes its own node, lease and pods`() async throws {
        let server = try await Self.server()
        let node = try await server.client().get(Node.self, name: "n1")
        #expect(await Self.code(server, "n1", "PUT", "/api/v1/nodes/n1/status", node.json).code == 200)
        #expect(await Self.code(server, "n2", "PUT", "/api/v1/nodes/n1/status", node.json).code == 403)
        var marked = node
        marked.metadata.labels["node-restriction.kubernetes.io/zone"] = "trusted"
        #expect(
            await Self.code(server, "n1", "PUT", "/api/v1/nodes/n1", marked.json).message.contains(
                "is not allowed to modify labels"))
        let leases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
        #expect(
            await Self.code(server, "n1", "POST", leases, Lease(name: "n1", namespace: "kube-node-lease").json).code
                == 200)
        #expect(
            await Self.code(server, "n1", "POST", leases, Lease(name: "n2", namespace: "kube-node-lease").json).code
                == 403)
        #expect(await Self.code(server, "n1", "GET", "\(leases)/n2").code == 403)
        let pods = "/api/v1/namespaces/default/pods"
        let web = try await server.client().get(Pod.self, namespace: "default", name: "web")
        #expect(await Self.code(server, "n1", "PUT", "\(pods)/web/status", web.json).code == 200)
        #expect(await Self.code(server, "n2", "PUT", "\(pods)/web/status", web.json).code == 403)
        #expect(await Self.code(server, "n1", "POST", pods, Self.pod("more", node: "n1")).code == 403)
        #expect(await Self.code(server, "n2", "DELETE", "\(pods)/web").code == 403)
    }

    @Test func `an agent gets tokens for its own pods only`() async throws {
        let server = try await Self.server()
        let uid = try await server.client().get(Pod.self, namespace: "default", name: "web").metadata.uid
        let path = "/api/v1/namespaces/default/serviceaccounts/default/token"
        func request(_ reference: JSON?) -> JSON {
            var request: JSON = ["kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", "spec": [:]]
            if let reference { request["spec"]["boundObjectRef"] = reference }
            return request
        }
        let bound: JSON = ["kind": "Pod", "apiVersion": "v1", "name": "web", "uid": .string(uid)]
        #expect(await Self.code(server, "n1", "POST", path, request(bound)).code == 200)
        #expect(await Self.code(server, "n2", "POST", path, request(bound)).code == 403)
        let free = await Self.code(server, "n1", "POST", path, request(nil))
        #expect(free.message.contains("node requested token not bound to a pod"))
    }
}
