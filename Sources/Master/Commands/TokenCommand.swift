import Shared

/// `kmaster token create|list|delete`: join tokens beside the one of the first start. They are Secrets of type
/// `bootstrap.kubernetes.io/token` in kube-system, as in Kubernetes, so that they can also be made with kubectl.
enum TokenCommand {
    static let entry = MasterCommands.Entry(
        command: Command(
            name: "kmaster token", summary: "Makes, lists or deletes tokens with which agents join.",
            operands: "create|list|delete [ID]",
            flags: [
                MasterCommands.state,
                .init("ttl", .one("DURATION"), fallback: "24h", help: "how long a new token is good; 0 means for ever"),
            ],
            notes: "The master must run."),
        run: { arguments, folder in
            let kubeconfig = try Kubeconfig.load([folder.path + "/admin.kubeconfig"], isRequired: true)
            let client = Client(try await kubeconfig.transport(), agent: "kmaster")
            switch arguments.operands.first {
            case "create" where arguments.operands.count == 1:
                try await create(client, try arguments.duration("ttl") ?? .zero)
            case "list" where arguments.operands.count == 1: try await list(client)
            case "delete" where arguments.operands.count == 2:
                let id = String(arguments.operands[1].prefix { $0 != "." })
                try await client.delete(
                    Secret.self, namespace: BootstrapToken.namespace, name: BootstrapToken.secretName(id))
                StandardStreams.out("token \(id) deleted")
            default: throw UsageError("kmaster token takes create, list or delete ID")
            }
        })

    private static func create(_ client: Client, _ life: Duration) async throws {
        let token = BootstrapToken(id: Random.bytes(3).hex, secret: Random.bytes(8).hex)
        let ends = life > .zero ? SystemClock().now() + life : nil
        _ = try await client.create(token.secret(ends: ends))
        StandardStreams.out(token.text)
    }

    private static func list(_ client: Client) async throws {
        var rows = [["TOKEN", "ENDS"]]
        for secret in try await client.list(Secret.self, namespace: BootstrapToken.namespace).items
        where secret.json["type"].string == BootstrapToken.type {
            let id = BootstrapToken.text(secret, "token-id") ?? ""
            rows.append(["\(id).…", BootstrapToken.text(secret, "expiration") ?? "never"])
        }
        StandardStreams.out(MasterCommands.table(rows))
    }
}
