package import Shared

/// Right inputs for the parsers, small and with every part of their grammars.
package enum FuzzSeeds {
    /// Objects of many shapes; those of the recordings too, where they are at hand.
    package static let objects: [JSON] = {
        let own: [JSON] = [
            [
                "apiVersion": "v1", "kind": "Pod",
                "metadata": [
                    "name": "web-0", "namespace": "default", "labels": ["app": "web", "tier": "front"],
                    "annotations": ["note": "two\nlines\twith \"quotes\" and \\", "unicode": "事始め 🎏 é"],
                    "creationTimestamp": "2026-01-01T00:00:00Z",
                    "ownerReferences": [
                        ["apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "u", "controller": true]
                    ],
                ],
                "spec": [
                    "containers": [
                        [
                            "name": "c", "image": "registry.example.com/team/web:1.2.3@sha256:abc",
                            "args": ["--flag=value", "", "yes", "0644", "1e3", "~", "null"],
                            "ports": [["containerPort": 80, "protocol": "TCP"]],
                            "resources": ["limits": ["cpu": "500m", "memory": "1Gi"]],
                            "livenessProbe": ["httpGet": ["path": "/healthz", "port": "http"], "periodSeconds": 10],
                            "securityContext": ["runAsUser": 1000, "privileged": false],
                        ]
                    ],
                    "tolerations": [["operator": "Exists", "tolerationSeconds": 300]],
                    "volumes": [["name": "v", "emptyDir": [:]]], "hostNetwork": true,
                ],
            ],
            [
                "apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "a"],
                "data": ["k": "v", "": "empty key"], "binaryData": ["b": "AAEC/w=="],
            ],
            ["a": 1.5, "b": -0.25, "c": [1, [2, [3, [:]]]], "d": .null, "e": 9_223_372_036_854_775_807],
            [], [:], .null, true, "text", 0,
        ]
        var recorded: [JSON] = []
        for (index, line) in Golden.lines("api.jsonl").enumerated() where index % 5 == 0 {
            for step in line["steps"].items {
                let body = step["request"]["body"]
                if body.object != nil, body.text.utf8.count < 2000 { recorded.append(body) }
            }
        }
        return own + recorded
    }()

    package static let json =
        objects.map(\.encoded) + [
            Array(" { \"a\" : [ 1 , -2.5e-3 , \"\\u00e9\\ud83d\\ude00\\n\" ] ,\r\n\t\"b\":{} } ".utf8)
        ]
    package static let jsonWords = [
        "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "\\ud800", "\\udc00", "\\u0000", "null", "true", "false",
        "{\"a\":", "[[[[", "\"a\":1,", "1.5", "-", "e", "E+", "\u{FEFF}", "\u{2028}",
    ]

    package static let yaml = objects.map { Array(YAML.emit($0).utf8) } + texts.map { Array($0.utf8) }
    private static let texts = [
        """
        # a comment
        %YAML 1.2
        ---
        base: &base {a: 1, b: [x, 'y', "z\\n"], ? q : r}
        more:
          <<: *base
          literal: |+2
              kept
            lines

          folded: >-
            one
            two

            three
          plain text: goes
            on here
          ? - complex
            - key
          : value
          tagged: !!str 12
          when: 2001-12-14t21:59:43.10-05:00
          empty:
          - - nested
            - ~
        ...
        --- "second"
        """,
        "a: [1, 2, {b: c}]\nd: 'it''s'\n\"e\\x41\\u263a\": 0o17\n",
        "- |\n a\n- >\n b\n- ? x\n  : y\n- !local {}\n- &x y\n- *x\n",
    ]
    package static let yamlWords = [
        "- ", "? ", ": ", "&a ", "*a", "!!map ", "!", "|", ">", "|+", ">-2", "---\n", "...\n", "%TAG ! x\n", "#", "'",
        "\"", "{", "}", "[", "]", ",", "\n", "\r\n", "\t", "  ", "<<: ", "~", "*base", "\u{85}", "\u{2028}", "\u{FEFF}",
        "{a: ", "- - - - ", "? ? ? ", "[[[[",
    ]

    package static let requests = [
        "GET /api/v1/pods?watch=1&labelSelector=a%3Db HTTP/1.1\r\nHost: localhost:6443\r\nAccept: */*\r\n\r\n",
        "POST /api/v1/namespaces/default/pods HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
            + "Content-Length: 13\r\nExpect: 100-continue\r\n\r\n{\"kind\":\"x\"}\n",
        "PATCH /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive, Upgrade\r\n\r\n"
            + "5;name=value\r\nhello\r\n0\r\nTrailer: t\r\n\r\n",
        "GET http://host/path HTTP/1.0\r\nConnection: close\r\nHost: [::1]:80\r\nX-Empty:\r\n\r\n",
    ].map { Array($0.utf8) }
    package static let responses = [
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nA\r\n0123456789\r\n0\r\n\r\n",
        "HTTP/1.0 404 Not Found\r\n\r\nrest",
    ].map { Array($0.utf8) }
    package static let httpWords = [
        "\r\n", "\r\n\r\n", "\n", "HTTP/1.1", "HTTP/1.9", "Content-Length: ", "Transfer-Encoding: chunked\r\n",
        "chunked",
        "Host: x\r\n", ": ", ";", ",", "0\r\n", "ffffffffffffffff\r\n", "-1\r\n", "GET ", "?", "%2F", "Connection: ",
        " ", "\t", "Expect: 100-continue\r\n", "Upgrade: ",
    ]

    package static let selectors = [
        "a=b", "a==b,c!=d", "x in (a,b,c),y notin (d)", "!a,b", "example.com/name=value", "a>1,b<2", "a in (),b=",
        "app.kubernetes.io/name in (web, api), !canary",
    ].map { Array($0.utf8) }
    package static let fieldSelectors = [
        "metadata.name=a", "status.phase!=Running,spec.nodeName==node-1", "a=b\\,c\\=d\\\\", "",
    ].map { Array($0.utf8) }
    package static let selectorWords = [
        "in", "notin", " in (", ")", "(", ",", "=", "==", "!=", "!", ">", "<", "/", "\\,", "\\=", "\\", " ", "a", ".",
    ]
}
