import Shared
import TestKit
import Testing

@testable import Console

/// Parts of descriptions that few objects have.
struct DescribeTests {
    private static func lines(_ object: JSON) -> [String] {
        DescribeText.of(object, DescribeContext(), zoneSeconds: 0, now: Timestamp(seconds: 0))
            .split(separator: "\n").map { line in
                line.split(separator: " ", omittingEmptySubsequences: true).joined(separator: " ")
            }
    }
    private static func template(_ spec: JSON) -> JSON {
        [
            "apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": ["name": "a", "namespace": "n"],
            "spec": ["selector": ["matchLabels": ["a": "b"]], "template": ["spec": spec]],
        ]
    }

    /// Each row: a volume, a line of its description.
    static let volumes: [(JSON, String)] = [
        (["iscsi": ["targetPortal": "t", "secretRef": ["name": "s"]]], "SecretRef: &LocalObjectReference{Name:s,}"),
        (["iscsi": ["iscsiInterface": "default"]], "ISCSIInterface default"),
        (["fc": ["targetWWNs": ["a", "b"]]], "TargetWWNs: a, b"),
        (["rbd": ["monitors": ["a", "b"]]], "CephMonitors: [a b]"),
        (["flexVolume": ["driver": "d", "options": ["k": "v"]]], "Options: map[k:v]"),
        (["awsElasticBlockStore": ["volumeID": "v"]], "Partition: 0"),
    ]
    @Test(arguments: volumes)
    func `volumes of every maker have their own lines`(source: JSON, line: String) {
        var volume = source
        volume["name"] = "v"
        #expect(DescribeTests.lines(DescribeTests.template(["volumes": [volume]])).contains(line))
    }

    @Test func `a template tells its devices, its spread and the profile of its containers`() {
        let lines = DescribeTests.lines(
            DescribeTests.template([
                "containers": [
                    [
                        "name": "c", "volumeDevices": [["name": "d", "devicePath": "/dev/x"]],
                        "securityContext": ["seccompProfile": ["type": "Localhost", "localhostProfile": "p"]],
                    ]
                ],
                "topologySpreadConstraints": [
                    [
                        "maxSkew": 1, "topologyKey": "z", "whenUnsatisfiable": "ScheduleAnyway",
                        "labelSelector": ["matchExpressions": [["key": "a", "operator": "NotIn", "values": ["b"]]]],
                    ]
                ],
            ]))
        #expect(lines.contains("/dev/x from d"))
        #expect(lines.contains("LocalhostProfile: p"))
        #expect(
            lines.contains(
                "Topology Spread Constraints: z:ScheduleAnyway when max skew 1 is exceeded for selector a notin (b)"))
    }
}
