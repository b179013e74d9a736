import Shared
import Testing

@testable import Console

/// The small values that command lines are made of.
struct CommandValueTests {
    @Test func `a pair of ports is read as kubectl does`() throws {
        #expect(try PortForwardCommand.Pair("8080").local == 8080)
        #expect(try PortForwardCommand.Pair("8080:80").remote == "80")
        #expect(try PortForwardCommand.Pair(":80").local == 0)
        #expect(try PortForwardCommand.Pair("http").local == 0)
        for text in ["", "a:b", "70000", "1:2:3", "80:"] {
            #expect(throws: UsageError.self) { try PortForwardCommand.Pair(text) }
        }
    }

    @Test func `a side of a copy is in a pod or on this machine`() {
        #expect(CopyCommand.Place("web-1:/etc/hosts") == .remote(namespace: nil, pod: "web-1", path: "/etc/hosts"))
        #expect(CopyCommand.Place("ns/web-1:x") == .remote(namespace: "ns", pod: "web-1", path: "x"))
        #expect(CopyCommand.Place("./a:b") == .local("./a:b"))
        #expect(CopyCommand.Place("file") == .local("file"))
    }

    @Test func `a goal is reached by condition, value or absence`() throws {
        let pod: JSON = [
            "metadata": ["generation": 2],
            "status": ["phase": "Running", "conditions": [["type": "Ready", "status": "True"]]],
        ]
        #expect(try WaitCommand.Goal("condition=ready").isReached(pod))
        #expect(try !WaitCommand.Goal("condition=ready=false").isReached(pod))
        #expect(try WaitCommand.Goal("jsonpath={.status.phase}=Running").isReached(pod))
        #expect(try !WaitCommand.Goal("jsonpath={.status.phase}=Failed").isReached(pod))
        #expect(try WaitCommand.Goal("jsonpath='{.status.phase}'").isReached(pod))
        #expect(throws: UsageError.self) { try WaitCommand.Goal("ready") }
        var old = pod
        old["status"]["observedGeneration"] = 1
        #expect(try !WaitCommand.Goal("condition=ready").isReached(old))
    }

    @Test func `rules of roles are taken apart and joined as kubectl does`() {
        let rules: [JSON] = [
            ["apiGroups": ["", "apps"], "resources": ["pods", "deployments/scale"], "verbs": ["get"]],
            ["apiGroups": [""], "resources": ["pods"], "verbs": ["list"]],
            ["nonResourceURLs": ["/x"], "verbs": ["get"]],
        ]
        let plain = PlainRule.compact(rules).map { "\($0.title)|\($0.path)|\($0.verbs.joined(separator: ","))" }
        #expect(
            plain == [
                "pods||get,list", "|/x|get", "deployments/scale||get", "deployments.apps/scale||get", "pods.apps||get",
            ])
    }

    @Test func `names of fields become words`() {
        #expect(SmartLabel.of("creationTimestamp") == "Creation Timestamp")
        #expect(SmartLabel.of("clusterIP") == "Cluster IP")
        #expect(SmartLabel.of("uid") == "UID")
        #expect(SmartLabel.of("x-kubernetes-foo") == "X - Kubernetes - Foo")
        #expect(SmartLabel.of("openAPIV3Schema") == "openAPIV3Schema")
    }
}
