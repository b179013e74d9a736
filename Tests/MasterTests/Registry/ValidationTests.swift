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
        return errors(spec) { Validation.podSpec($0, &$1) }
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

    @Test func `errors of a pod come in one order, whatever the order of its fields`() {
        let spec: JSON = [
            "hostname": "A_", "nodeSelector": ["a b": "c"], "volumes": [["name": "v"]], "dnsPolicy": "Foo",
            "activeDeadlineSeconds": 0, "schedulingGates": [["name": "a b"]], "tolerations": [["operator": "Foo"]],
            "topologySpreadConstraints": [["maxSkew": 0, "topologyKey": "a", "whenUnsatisfiable": "DoNotSchedule"]],
            "initContainers": [
                ["name": "c", "image": "i", "imagePullPolicy": "Always", "terminationMessagePolicy": "File"]
            ],
        ]
        let found = pod(spec, ["ports": [["protocol": "TCP"]], "lifecycle": ["preStop": [:]]])
        #expect(
            found.map { String($0.prefix { $0 != ":" }) } == [
                "volumes[0]", "containers[0].lifecycle.preStop", "containers[0].ports[0].containerPort",
                "initContainers[0].name", "dnsPolicy", "nodeSelector", "schedulingGates[0]",
                "topologySpreadConstraints[0].maxSkew", "activeDeadlineSeconds", "hostname", "tolerations[0].operator",
                "tolerations[0].operator",
            ])
    }

    @Test func `a pod of one system has nothing of the other`() {
        let linux = pod(["os": ["name": "linux"], "securityContext": ["windowsOptions": ["runAsUserName": "a"]]])
        #expect(linux == ["securityContext.windowsOptions: Forbidden: windows options cannot be set for a linux pod"])
        let windows = pod(
            ["os": ["name": "windows"], "hostPID": true, "securityContext": ["runAsUser": 1, "seLinuxOptions": [:]]],
            ["securityContext": ["privileged": true]])
        #expect(
            windows
                == [
                    "securityContext.seLinuxOptions", "hostPID", "securityContext.runAsUser",
                    "containers[0].securityContext.privileged",
                ].map { "\($0): Forbidden: cannot be set for a windows pod" })
        #expect(
            pod(["os": ["name": "plan9"]]).first
                == "os: Unsupported value: \"plan9\": supported values: \"linux\", \"windows\"")
    }

    @Test func `processes of the node are in all containers or in none`() {
        let found = pod(
            ["securityContext": ["windowsOptions": ["hostProcess": true]]],
            ["securityContext": ["windowsOptions": ["hostProcess": false]]])
        #expect(
            found == [
                "containers[0].securityContext.windowsOptions.hostProcess: Invalid value: false: pod hostProcess value must be identical if both are specified, was true"
            ])
        #expect(
            pod(["securityContext": ["windowsOptions": ["hostProcess": true]]]) == [
                "hostNetwork: Invalid value: false: hostNetwork must be true if pod contains any hostProcess containers"
            ])
    }

    @Test(arguments: [
        ("metadata.labels['a b']", "Invalid value: \"a b\": name part must consist of"),
        (
            "spec.nodeName['x']",
            "error converting fieldPath: field label does not support subscript: spec.nodeName['x']"
        ),
        ("spec.foo", "error converting fieldPath: field label not supported: spec.foo"),
        ("status.phase", "Unsupported value: \"status.phase\": supported values: \"metadata.name\""),
    ])
    func `references to a pod's own fields are checked`(path: String, text: String) {
        let variable: JSON = [
            "name": "A", "valueFrom": ["fieldRef": ["apiVersion": "v1", "fieldPath": .string(path)]],
        ]
        let found = pod([:], ["env": [variable]])
        #expect(found.count == 1 && found[0].contains(text), "\(found)")
    }

    @Test func `a volume that a claim is made for is described without a name`() {
        let template: JSON = [
            "metadata": ["name": "x", "labels": ["a": "b"]],
            "spec": ["accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "1Gi"]]],
        ]
        #expect(
            pod(["volumes": [["name": "v", "ephemeral": ["volumeClaimTemplate": template]]]]) == [
                "volumes[0].ephemeral.volumeClaimTemplate.metadata.name: Forbidden: cannot be set"
            ])
    }

    private func change(_ new: JSON, _ old: JSON) -> [String] {
        var errors: FieldErrors = []
        Validation.podChange(Field(["spec": new]), Field(["spec": old]), &errors)
        return errors.map { "\($0.field): \($0.message)" }
    }

    @Test func `a pod that waits behind gates may be narrowed down, not moved`() {
        let gate: JSON = [["name": "wait"]]
        func affinity(_ values: [JSON]) -> JSON {
            [
                "nodeAffinity": [
                    "requiredDuringSchedulingIgnoredDuringExecution": [
                        "nodeSelectorTerms": [["matchExpressions": .array(values)]]
                    ]
                ]
            ]
        }
        let first: JSON = ["key": "a", "operator": "Exists"]
        let second: JSON = ["key": "b", "operator": "Exists"]
        let old: JSON = ["schedulingGates": gate, "nodeSelector": ["disk": "ssd"], "affinity": affinity([first])]
        var new = old
        new["nodeSelector"]["zone"] = "z"
        new["affinity"] = affinity([first, second])
        #expect(change(new, old) == [])
        new["nodeSelector"] = ["zone": "z"]
        new["affinity"] = affinity([second])
        let found = change(new, old)
        #expect(found.count == 2 && found.allSatisfy { $0.contains("(no mutations or deletions)") }, "\(found)")
        new.remove("schedulingGates")
        var open = old
        open.remove("schedulingGates")
        #expect(change(new, open).first?.hasPrefix("spec: Forbidden: pod updates may not change fields") == true)
    }

    @Test func `who may reach a load balancer is said by field or by annotation`() {
        let key = "service.beta.kubernetes.io/load-balancer-source-ranges"
        let service: JSON = [
            "metadata": ["annotations": ["service.beta.kubernetes.io/load-balancer-source-ranges": "10.0.0.0/8, x"]],
            "spec": [
                "type": "ClusterIP", "sessionAffinity": "None",
                "ports": [["port": 80, "protocol": "TCP", "targetPort": 80]],
            ],
        ]
        #expect(
            errors(service, Validation.service) == [
                "metadata.annotations[\(key)]: Forbidden: may only be used when `type` is 'LoadBalancer'",
                "metadata.annotations[\(key)]: Invalid value: \"10.0.0.0/8, x\": must be a list of IP ranges. For example, 10.240.0.0/24,10.250.0.0/24 ",
            ])
    }

    @Test func `a pod is bound to nodes only`() {
        let errors = Validation.podBinding(["target": ["kind": "Foo"]])
        let status = FieldError.aggregate(errors)
        #expect(status.code == 500)
        #expect(
            status.message
                == "[target.kind: Unsupported value: \"Foo\": supported values: \"Node\", \"<empty>\", target.name: Required value]"
        )
    }

    @Test(arguments: [
        ("nginx", "Always"), ("nginx:latest", "Always"), ("nginx:1.27", "IfNotPresent"),
        ("host:5000/nginx", "Always"), ("host:5000/nginx:1", "IfNotPresent"), ("a/b@sha256:0", "IfNotPresent"),
        ("a/b:latest@sha256:0", "Always"), ("A B", "IfNotPresent"), ("Nginx", "IfNotPresent"), ("", "IfNotPresent"),
    ])
    func `images whose name can mean another one tomorrow are pulled each time`(image: String, policy: String) {
        #expect(Defaults.pullPolicy(image) == policy)
    }
}
