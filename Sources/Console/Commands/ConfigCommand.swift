import Shared

/// `kconsole config`: the kubeconfig.
enum ConfigCommand {
    static let verb = Verb(
        "config", "Show the kubeconfig or choose its current context.",
        operands: "view|get-contexts|current-context|use-context [NAME]",
        flags: [
            .init("raw", help: "view: with keys and tokens"), .init("minify", help: "view: only the current context"),
        ],
        actions: ["view", "get-contexts", "current-context", "use-context"], run: run)

    private static func run(_ call: Invocation) async throws -> Int32 {
        let config = try Session.kubeconfig(call.arguments, places: call.places)
        switch (call.operands.first, call.operands.count) {
        case ("view", 1):
            let json = call.arguments.has("minify") ? try minified(config, call.arguments["context"]) : config.json
            call.write(YAML.emit(call.arguments.has("raw") ? json : hidden(json)))
        case ("current-context", 1):
            guard let name = config.currentContext else { throw Failure("error: current-context is not set") }
            call.out(name)
        case ("get-contexts", 1):
            var table = TextTable(header: ["CURRENT", "NAME", "CLUSTER", "AUTHINFO", "NAMESPACE"], gap: 3)
            for name in config.contextNames.sorted() {
                let item = config.json["contexts"].items.first { $0["name"].string == name }?["context"] ?? [:]
                table.add([
                    name == config.currentContext ? "*" : "", name, item["cluster"].string ?? "",
                    item["user"].string ?? "",
                    item["namespace"].string ?? "",
                ])
            }
            call.write(table.text)
        case ("use-context", 2):
            let name = call.operands[1]
            guard config.contextNames.contains(name) else {
                let near =
                    config.contextNames.isEmpty
                    ? "there is none" : "known are \(config.contextNames.joined(separator: ", "))"
                throw Failure("error: no context exists with the name: \"\(name)\"; \(near)")
            }
            let paths = Kubeconfig.paths(environment: call.places.environment, explicit: call.arguments["kubeconfig"])
            guard let path = paths.first(where: SystemFiles.exists) ?? paths.first else {
                throw Failure("There is no kubeconfig to change; set KUBECONFIG or HOME.")
            }
            var own = try Kubeconfig.load([path])
            own.choose(name)
            try own.write(to: path)
            call.out("Switched to context \"\(name)\".")
        default: throw call.usage("config takes view, get-contexts, current-context or use-context NAME")
        }
        return 0
    }

    private static func minified(_ config: Kubeconfig, _ wanted: String?) throws -> JSON {
        let context = try config.context(wanted)
        var json = config.json
        func only(_ list: String, _ name: String) {
            json[list] = .array(json[list].items.filter { $0["name"].string == name })
        }
        only("contexts", context.name)
        only("clusters", context.clusterName)
        only("users", context.userName)
        return json
    }

    /// Without secrets, as kubectl shows it. Pure.
    static func hidden(_ json: JSON) -> JSON {
        func hide(_ value: JSON) -> JSON {
            switch value {
            case .array(let items): return .array(items.map(hide))
            case .object(let members):
                return .object(
                    JSON.Members(
                        members.map { key, value in
                            if ["certificate-authority-data", "client-certificate-data", "client-key-data"].contains(
                                key)
                            {
                                return (key, "DATA+OMITTED")
                            }
                            return (key, ["token", "password"].contains(key) ? "REDACTED" : hide(value))
                        }))
            default: return value
            }
        }
        return hide(json)
    }
}
