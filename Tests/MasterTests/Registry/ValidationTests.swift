import Shared
import Testing

@testable import Master

/// Rules that no recorded answer shows.
struct ValidationTests {
    private func errors(_ json: JSON, _ rules: (Field, inout FieldErrors) -> Void) -> [String] {
        var errors: FieldErrors = []
        rules(Field(json), &errors)
        return errors.map { "\($0.field): \($0.message)" }
    }
    private func pod(_ fields: JSON, _ container: JSON = [:]) -> [String] {
        var spec: JSON = ["restartPolicy": "Always", "dnsPolicy": "ClusterFirst"]
        for (key, value) in fields.members { spec[key] = value }
        var first: JSON = [
            "name": "c", "image": "i", "imagePullPolicy": "Always", "terminationMessagePolicy": "File",
        ]
        for (key, value) in container.members { first[key] = value }
        spec["containers"] = [first]
        return errors(spec, Validation.podSpec)
    }

    @Test(arguments: ["/", "//", "a/", "/a", ""]) func `names of resources that are none are refused`(name: String) {
        var limits: JSON = [:]
        limits[name] = "1"
        let found = pod([:], ["resources": ["limits": limits]])
        #expect(found.contains { $0.hasPrefix("containers[0].resources.limits") }, "\(found)")
    }

    @Test func `a plain pod is right`() {
        #expect(pod([:]) == [])
    }

    @Test(arguments: [
        ("A\\B\\c", "cannot contain more than one backslash"), ("a\u{1}", "cannot contain control characters"),
        ("a:b\\c", "'s Domain doesn't match the NetBios nor the DNS format"), ("A\\", "'s User cannot be empty"),
        ("..", "'s User cannot contain only periods or spaces"), ("", "cannot be an empty string"),
        ("a@b", "'s User cannot contain the following characters: \"/\\:;|=,+*?<>@[]"),
    ])
    func `users of Windows are checked`(name: String, text: String) {
        let found = pod(["securityContext": ["windowsOptions": ["runAsUserName": .string(name)]]])
        let space = text.hasPrefix("'") ? "" : " "
        #expect(
            found == [
                "securityContext.windowsOptions.runAsUserName: Invalid value: \(name.goQuoted): runAsUserName\(space)\(text)"
            ])
    }

    @Test func `users of Windows that are right pass`() {
        for name in ["ContainerUser", "NT AUTHORITY\\Local Service", "corp.example.com\\web-1"] {
            #expect(pod(["securityContext": ["windowsOptions": ["runAsUserName": .string(name)]]]) == [])
        }
    }

    @Test func `huge pages come in whole pages`() {
        let resources: JSON = ["limits": ["hugepages-2Mi": "3Mi", "cpu": "1"], "requests": ["hugepages-2Mi": "3Mi"]]
        #expect(
            pod([:], ["resources": resources])
                == ["limits", "requests"].map {
                    "containers[0].resources.\($0)[hugepages-2Mi]: Invalid value: \"3Mi\": 3Mi is not positive integer multiple of hugepages-2Mi"
                })
        let whole: JSON = ["limits": ["hugepages-2Mi": "4Mi", "cpu": "1"], "requests": ["hugepages-2Mi": "4Mi"]]
        #expect(pod([:], ["resources": whole]) == [])
    }

    @Test func `a field of a node is chosen by one value`() {
        let term: JSON = [
            "matchFields": [
                ["key": "metadata.name", "operator": "In", "values": ["a", "b"]], ["key": "metadata.name"],
            ]
        ]
        let found = pod([
            "affinity": [
                "nodeAffinity": ["requiredDuringSchedulingIgnoredDuringExecution": ["nodeSelectorTerms": [term]]]
            ]
        ])
        let path =
            "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchFields"
        #expect(
            found == [
                "\(path)[0].values: Required value: must be only one value when `operator` is 'In' or 'NotIn' for node field selector",
                "\(path)[1].operator: Invalid value: \"\": not a valid selector operator",
            ])
    }

    @Test func `a quota's scopes are told without their place in the list`() {
        let found = errors(
            [
                "hard": ["pods": "1"],
                "scopeSelector": ["matchExpressions": [["scopeName": "Terminating", "operator": "Maybe"]]],
            ], Validation.quota)
        #expect(found.count == 2)
        #expect(
            found.last
                == "scopeSelector.matchExpressions.operator: Invalid value: \"Maybe\": not a valid selector operator")
    }

    @Test func `addresses of the link are refused`() {
        for (text, range) in [
            ("fe80::1", "link-local range (169.254.0.0/16, fe80::/10)"),
            ("ff02::1", "link-local multicast range (224.0.0.0/24, ff02::/10)"),
        ] {
            #expect(
                errors(.string(text), Validation.endpointAddress)
                    == [": Invalid value: \(text.goQuoted): may not be in the \(range)"])
        }
        #expect(errors("2001:db8::1", Validation.endpointAddress) == [])
    }
}
