import Shared

/// `kconsole api-resources` and `kconsole version`: what a server is.
enum InfoCommands {
    static let resources = Verb(
        "api-resources", "List the kinds that the server serves.",
        flags: [
            .init("namespaced", help: "only kinds that live in namespaces; --namespaced=false the others"),
            .init("api-group", .one("GROUP"), help: "only kinds of this group"),
            .init("verbs", .one("VERBS"), help: "only kinds with these verbs"),
            .init("no-headers", help: "leave out the line of column names"), GetCommand.outputFlag,
        ]
    ) { call in
        let session = try await call.session()
        let isWide = call.arguments["output"] == "wide"
        var header = ["NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND"]
        if isWide { header += ["VERBS", "CATEGORIES"] }
        var table = TextTable(header: call.arguments.has("no-headers") ? [] : header)
        let verbs = (call.arguments["verbs"] ?? "").split(separator: ",").map(String.init)
        let all = try await session.resources().all.sorted {
            ($0.type.group, $0.type.plural) < ($1.type.group, $1.type.plural)
        }
        for resource in all {
            if call.arguments.isGiven("namespaced"), resource.type.isNamespaced != call.arguments.has("namespaced") {
                continue
            }
            if let group = call.arguments["api-group"], resource.type.group != group { continue }
            guard verbs.allSatisfy(resource.verbs.contains) else { continue }
            if call.arguments["output"] == "name" {
                call.out(resource.type.resource.description)
                continue
            }
            var cells = [
                resource.type.plural, resource.shortNames.joined(separator: ","), resource.type.apiVersion,
                "\(resource.type.isNamespaced)", resource.type.kind,
            ]
            if isWide { cells += [resource.verbs.joined(separator: ","), resource.categories.joined(separator: ",")] }
            table.add(cells)
        }
        if call.arguments["output"] != "name" { call.write(table.text) }
        return 0
    }

    static let version = Verb(
        "version", "Print the versions of this program and of the server.",
        flags: [.init("client", help: "only of this program"), GetCommand.outputFlag]
    ) { call in
        var server: JSON?
        if !call.arguments.has("client") { server = try? await call.session().client.call("GET", "/version") }
        let output = try Output(call.arguments["output"])
        if !output.isTable {
            var json: JSON = [
                "clientVersion": ["gitVersion": .string(Version.kubernetes), "kotohajime": .string(Version.current)]
            ]
            if let server { json["serverVersion"] = server }
            if case .yaml = output { call.write(YAML.emit(json)) } else { call.out(json.pretty(indent: 2)) }
            return 0
        }
        call.out("kconsole \(Version.current) (Kubernetes \(Version.kubernetes))")
        if let text = server?["gitVersion"].string {
            call.out("Server Version: \(SafeLine.clean(text))")
        } else if !call.arguments.has("client") {
            call.remark("No server answers; kconsole up starts a cluster on this machine.")
        }
        return 0
    }
}
