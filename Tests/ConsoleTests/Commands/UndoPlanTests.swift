import Shared
import Testing

@testable import Console

struct UndoPlanTests {
    private let path = "/apis/apps/v1/namespaces/default/deployments/web"
    private func deployment(_ replicas: Int, image: String = "a", revision: String = "1") -> JSON {
        [
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": ["name": "web", "namespace": "default", "uid": "u", "resourceVersion": .string(revision)],
            "spec": ["replicas": JSON(replicas), "image": .string(image)],
        ]
    }

    @Test func `a changed field goes back and what others changed since stays`() throws {
        let change = UndoPlan.change(
            path, before: deployment(3), after: deployment(5), live: deployment(5, image: "b", revision: "9"))
        let call = try #require(change.call)
        #expect(call.method == "PUT" && call.path == path)
        #expect(call.body?.at("spec", "replicas").int == 3)
        #expect(call.body?.at("spec", "image").string == "b")
        #expect(call.body?.at("metadata", "resourceVersion").string == "9")
    }

    @Test func `a field that was changed again is named and left alone`() {
        let change = UndoPlan.change(path, before: deployment(3), after: deployment(5), live: deployment(7))
        #expect(change.call == nil)
        #expect(change.lines.first?.text == "field spec.replicas was changed again since; change it by hand")
    }

    @Test func `a deleted object is made again without what the server gave it`() throws {
        let change = UndoPlan.change(path, before: deployment(3), after: nil, live: nil)
        let call = try #require(change.call)
        #expect(call.method == "POST" && call.path == "/apis/apps/v1/namespaces/default/deployments")
        #expect(call.body?.at("metadata", "uid").isNull == true)
        #expect(call.body?.at("metadata", "resourceVersion").isNull == true)
    }

    @Test func `a created object is deleted, that one and no other`() throws {
        let change = UndoPlan.change(path, before: nil, after: deployment(3), live: deployment(3))
        let call = try #require(change.call)
        #expect(call.method == "DELETE")
        #expect(call.body?.at("preconditions", "uid").string == "u")
    }

    @Test(arguments: ["Namespace", "PersistentVolumeClaim", "Node", "Secret"])
    func `what can not come back is refused with a reason`(_ kind: String) {
        var json = deployment(1)
        json["kind"] = .string(kind)
        let change = UndoPlan.change(path, before: json, after: nil, live: nil)
        #expect(change.verb == .refused && change.call == nil && !change.lines.isEmpty)
    }

    @Test func `an entry is read as it was written`() throws {
        for (before, after) in [(nil, deployment(1)), (deployment(1), nil), (deployment(1), deployment(2))]
            as [(JSON?, JSON?)]
        {
            let entry = Ledger.Entry(
                group: "g", time: FakeCluster.now, server: "s", path: path, before: before, after: after)
            let read = try #require(Ledger.Entry(try JSON(parsing: entry.json.encoded)))
            #expect((read.before == nil) == (before == nil))
            #expect((read.after == nil) == (after == nil))
            #expect(read.path == path && read.group == "g")
        }
    }

    @Test func `a field that the change added is removed again`() throws {
        var after = deployment(3)
        after["spec"]["paused"] = true
        let change = UndoPlan.change(path, before: deployment(3), after: after, live: after)
        let call = try #require(change.call)
        #expect(call.body?["spec"].object?["paused"] == nil)
    }

    @Test func `a group that was taken back is not offered again`() {
        func entry(_ group: String) -> Ledger.Entry {
            Ledger.Entry(
                group: group, time: FakeCluster.now, server: "s", path: path, before: deployment(1),
                after: deployment(2))
        }
        let groups = Ledger.undoable([entry("a"), entry("b"), entry("b"), entry("undo:b")])
        #expect(groups.map(\.group) == ["a"])
        #expect(Ledger.undoable([entry("a"), entry("b")]).map(\.group) == ["b", "a"])
    }

    @Test(arguments: [
        ("/api/v1/namespaces/a/pods/b", "a", "pods", "b", "", true),
        ("/apis/apps/v1/namespaces/a/deployments/b/scale?x=1", "a", "deployments", "b", "scale", true),
        ("/api/v1/nodes/n", "", "nodes", "n", "", true), ("/api/v1/namespaces/a", "", "namespaces", "a", "", true),
        ("/api/v1/namespaces/a/pods/b/eviction", "a", "pods", "b", "eviction", false),
        ("/api/v1/namespaces/a/pods/b?dryRun=All", "a", "pods", "b", "", false),
        ("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", "", "selfsubjectaccessreviews", "", "", false),
    ])
    func `a path is read and only what a user wants back is kept`(
        _ target: String, _ namespace: String, _ plural: String, _ name: String, _ part: String, _ isKept: Bool
    ) throws {
        let path = try #require(ObjectPath(target: target))
        #expect(path.namespace == namespace && path.plural == plural)
        #expect((path.name ?? "") == name && (path.subresource ?? "") == part && path.isKept == isKept)
    }
}
