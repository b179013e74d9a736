import Shared
import Testing

@testable import Master

struct LimitRangerTests {
    private static let range: JSON = [
        "spec": [
            "limits": [
                [
                    "type": "Container", "default": ["cpu": "200m"], "defaultRequest": ["cpu": "100m"],
                    "min": ["cpu": "50m"], "max": ["cpu": "1"], "maxLimitRequestRatio": ["cpu": "4"],
                ],
                ["type": "Pod", "max": ["cpu": "1500m"]],
                ["type": "PersistentVolumeClaim", "max": ["storage": "1Gi"]],
            ]
        ]
    ]

    @Test func `missing amounts are filled in and noted`() {
        var pod = AdmissionWorld.pod("a")
        LimitRanges.fill(&pod, from: LimitRangerTests.range)
        #expect(pod["spec"]["containers"][0]["resources"] == ["requests": ["cpu": "100m"], "limits": ["cpu": "200m"]])
        #expect(
            pod["metadata"]["annotations"]["kubernetes.io/limit-ranger"]
                == "LimitRanger plugin set: cpu request for container c; cpu limit for container c")
    }

    @Test(
        arguments: [
            (
                "2", nil,
                [
                    "maximum cpu usage per Container is 1, but limit is 2",
                    "maximum cpu usage per Pod is 1500m, but limit is 2",
                ]
            ),
            ("10m", "10m", ["minimum cpu usage per Container is 50m, but request is 10m"]),
            ("1", "100m", ["cpu max limit to request ratio per Container is 4, but provided ratio is 10.000000"]),
            ("1", "1", []),
        ] as [(String, String?, [String])])
    func `amounts outside the range are told`(limit: String, request: String?, wanted: [String]) {
        let resources: JSON = [
            "resources": ["limits": ["cpu": .string(limit)], "requests": ["cpu": .string(request ?? limit)]]
        ]
        let pod = AdmissionWorld.pod("a", resources)
        #expect(LimitRanges.problems(pod: pod, LimitRangerTests.range) == wanted)
    }

    @Test func `a claim has its own bounds, and what is not said is told with two spaces as a real server does`() {
        let claim: JSON = ["spec": ["resources": ["requests": ["storage": "2Gi"]]]]
        #expect(
            LimitRanges.problems(claim: claim, LimitRangerTests.range) == [
                "maximum storage usage per PersistentVolumeClaim is 1Gi, but request is 2Gi"
            ])
        let bare = LimitRanges.problems(
            pod: AdmissionWorld.pod("a"), ["spec": ["limits": [["type": "Container", "max": ["memory": "1Gi"]]]]])
        #expect(bare == ["maximum memory usage per Container is 1Gi.  No limit is specified"])
    }

    @Test func `a pod outside the range is forbidden`() async throws {
        let world = try await AdmissionWorld()
        var range = LimitRangerTests.range
        range["metadata"] = ["name": "r"]
        try await world.post("/api/v1/namespaces/team/limitranges", range)
        let made = try await world.post(AdmissionWorld.pods, AdmissionWorld.pod("a"))
        #expect(made["spec"]["containers"][0]["resources"]["limits"]["cpu"] == "200m")
        #expect(made["status"]["qosClass"] == "Burstable")
        let refusal = try await world.refusal(
            AdmissionWorld.pods, AdmissionWorld.pod("b", ["resources": ["limits": ["cpu": "10m"]]]))
        #expect(
            refusal?.message == "pods \"b\" is forbidden: minimum cpu usage per Container is 50m, but request is 10m")
    }
}
