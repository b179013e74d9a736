import Shared
import Testing

@testable import Master

struct PodSecurityTests {
    private static func violations(_ pod: JSON, _ level: PodSecurityPolicy.Level, version: Int = 33) -> [String] {
        PodSecurity.violations(pod, level, version: version)
    }

    @Test func `a plain pod passes baseline and misses four things of restricted`() {
        let pod = AdmissionWorld.pod("a")
        #expect(PodSecurityTests.violations(pod, .baseline).isEmpty)
        #expect(
            PodSecurityTests.violations(pod, .restricted) == [
                "allowPrivilegeEscalation != false (container \"c\" must set securityContext.allowPrivilegeEscalation=false)",
                "unrestricted capabilities (container \"c\" must set securityContext.capabilities.drop=[\"ALL\"])",
                "runAsNonRoot != true (pod or container \"c\" must set securityContext.runAsNonRoot=true)",
                "seccompProfile (pod or container \"c\" must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\")",
            ])
    }

    @Test func `a pod that does all that is asked passes restricted`() {
        let pod = AdmissionWorld.pod(
            "a",
            [
                "securityContext": [
                    "allowPrivilegeEscalation": false, "capabilities": ["drop": ["ALL"], "add": ["NET_BIND_SERVICE"]],
                ]
            ],
            spec: [
                "securityContext": ["runAsNonRoot": true, "seccompProfile": ["type": "RuntimeDefault"]],
                "volumes": [["name": "v", "emptyDir": [:]]],
            ])
        #expect(PodSecurityTests.violations(pod, .restricted).isEmpty)
    }

    @Test func `what reaches the node is against baseline`() {
        let pod = AdmissionWorld.pod(
            "a",
            [
                "securityContext": ["privileged": true, "capabilities": ["add": ["NET_RAW"]]],
                "ports": [["containerPort": 80, "hostPort": 80]],
            ],
            spec: [
                "hostNetwork": true, "hostPID": true, "volumes": [["name": "v", "hostPath": ["path": "/"]]],
                "securityContext": ["sysctls": [["name": "kernel.msgmax", "value": "1"]]],
            ])
        #expect(
            PodSecurityTests.violations(pod, .baseline) == [
                "host namespaces (hostNetwork=true, hostPID=true)", "hostPath volumes (volume \"v\")",
                "hostPort (container \"c\" uses hostPort 80)",
                "privileged (container \"c\" must not set securityContext.privileged=true)",
                "forbidden sysctls (kernel.msgmax)",
                "non-default capabilities (container \"c\" must not include \"NET_RAW\" in securityContext.capabilities.add)",
            ])
        #expect(PodSecurityTests.violations(pod, .privileged).isEmpty)
    }

    @Test func `older versions of a standard ask for less`() {
        let pod = AdmissionWorld.pod("a", ["securityContext": ["runAsUser": 0]])
        #expect(!PodSecurityTests.violations(pod, .restricted, version: 18).contains { $0.hasPrefix("seccompProfile") })
        #expect(
            PodSecurityTests.violations(pod, .restricted).contains(
                "runAsUser=0 (container \"c\" must not set runAsUser=0)"))
        #expect(!PodSecurityTests.violations(pod, .restricted, version: 22).contains { $0.hasPrefix("runAsUser=0") })
    }

    @Test func `the labels of a namespace say what is enforced and what is warned of`() async throws {
        let world = try await AdmissionWorld()
        let labels: JSON = [
            "pod-security.kubernetes.io/enforce": "baseline", "pod-security.kubernetes.io/warn": "restricted",
        ]
        _ = try await world.client.call(
            "PATCH", "/api/v1/namespaces/team", body: ["metadata": ["labels": labels]],
            contentType: "application/merge-patch+json")
        let bad = AdmissionWorld.pod("bad", ["securityContext": ["privileged": true]])
        let refusal = try await world.refusal(AdmissionWorld.pods, bad)
        #expect(refusal?.code == 403)
        #expect(
            refusal?.message
                == "pods \"bad\" is forbidden: violates PodSecurity \"baseline:latest\": privileged (container \"c\" must not set securityContext.privileged=true)"
        )
        let taken = try await world.send("POST", AdmissionWorld.pods, AdmissionWorld.pod("fine"))
        #expect(taken.status == 201)
        #expect(
            taken.headers.all("Warning").contains { $0.contains("would violate PodSecurity \\\"restricted:latest\\\"") }
        )
        let deployment: JSON = [
            "metadata": ["name": "d"],
            "spec": [
                "selector": ["matchLabels": ["a": "b"]],
                "template": ["metadata": ["labels": ["a": "b"]], "spec": bad["spec"]],
            ],
        ]
        let workload = try await world.send("POST", "/apis/apps/v1/namespaces/team/deployments", deployment)
        #expect(workload.status == 201)
        #expect(!workload.headers.all("Warning").isEmpty)
    }

    @Test func `a level that is none is refused, and a raised one names the pods that violate it`() async throws {
        let world = try await AdmissionWorld()
        let wrong = try await world.refusal(
            "/api/v1/namespaces",
            ["metadata": ["name": "other", "labels": ["pod-security.kubernetes.io/enforce": "strict"]]])
        #expect(wrong?.code == 422)
        #expect(wrong?.causes.first?.field == "metadata.labels[pod-security.kubernetes.io/enforce]")
        try await world.post(AdmissionWorld.pods, AdmissionWorld.pod("old", spec: ["hostPID": true]))
        let raised = try await world.send(
            "PATCH", "/api/v1/namespaces/team",
            ["metadata": ["labels": ["pod-security.kubernetes.io/enforce": "baseline"]]],
            headers: ["Content-Type": "application/merge-patch+json"])
        #expect(raised.status == 200)
        #expect(raised.headers.all("Warning").contains { $0.contains("old: host namespaces (hostPID=true)") })
    }
}
