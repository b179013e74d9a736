import Shared

/// `kconsole top`: what nodes and pods use now.
enum TopCommand {
    static let verb = Verb(
        "top", "Show what nodes or pods use now.", operands: "nodes|pods [NAME]",
        flags: [GetCommand.selectorFlag, GetCommand.allNamespacesFlag], actions: ["nodes", "pods"], run: run)

    private static func run(_ call: Invocation) async throws -> Int32 {
        let kinds = ["node": "nodes", "nodes": "nodes", "no": "nodes", "pod": "pods", "pods": "pods", "po": "pods"]
        guard let kind = call.operands.first.flatMap({ kinds[$0] }), call.operands.count <= 2 else {
            throw call.usage("top takes nodes or pods")
        }
        let session = try await call.session()
        let root = "/apis/metrics.k8s.io/v1beta1"
        let isEverywhere = call.arguments.has("all-namespaces")
        var path = kind == "nodes" || isEverywhere ? "\(root)/\(kind)" : "\(root)/namespaces/\(session.namespace)/pods"
        let name = call.operands.count == 2 ? call.operands[1] : nil
        if let name { path += "/\(URLText.encode(name))" }
        let answer: JSON
        do { answer = try await session.client.call("GET", path, query: try session.query(call.arguments)) } catch let
            status as Status
            where status.reason == .notFound && name == nil
        {
            throw Failure(
                "error: Metrics API not available; this cluster measures no usage, but kconsole describe node shows requests and limits."
            )
        }
        let items = name == nil ? answer["items"].items : [answer]
        var table: TextTable
        if kind == "nodes" {
            let nodes = try await session.list(Node.type.path())
            table = TextTable(header: ["NAME", "CPU(cores)", "CPU(%)", "MEMORY(bytes)", "MEMORY(%)"])
            for item in items {
                let own = nodes.first { Object($0).name == Object(item).name }?.at("status", "allocatable") ?? [:]
                table.add([Object(item).name] + ["cpu", "memory"].flatMap { cells(item["usage"][$0], own[$0], $0) })
            }
        } else {
            table = TextTable(header: (isEverywhere ? ["NAMESPACE"] : []) + ["NAME", "CPU(cores)", "MEMORY(bytes)"])
            for item in items {
                func sum(_ key: String) -> JSON {
                    let total = item["containers"].items.compactMap { $0["usage"][key].string.flatMap { Quantity($0) } }
                        .reduce(Quantity(0), +)
                    return .string(total.description)
                }
                table.add(
                    (isEverywhere ? [Object(item).namespace] : []) + [Object(item).name]
                        + ["cpu", "memory"].map { cells(sum($0), .null, $0)[0] })
            }
        }
        call.write(table.text)
        return 0
    }

    /// The amount and its share of what there is.
    static func cells(_ used: JSON, _ whole: JSON, _ name: String) -> [String] {
        let amount = used.string.flatMap { Quantity($0) } ?? Quantity(0)
        let text = name == "cpu" ? "\(amount.milli)m" : "\(amount.value / (1 << 20))Mi"
        let total = whole.string.flatMap { Quantity($0) }?.double ?? 0
        return [text, total > 0 ? "\(Int(amount.double / total * 100))%" : "<unknown>"]
    }
}
