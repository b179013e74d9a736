import Glibc
import Shared

/// `kmaster certs show` and `kmaster certs renew`.
enum CertificatesCommand {
    private static let files = ["ca", "server", "agent-client", "admin"]

    static let entry = MasterCommands.Entry(
        command: Command(
            name: "kmaster certs", summary: "Shows the cluster's certificates, or makes all but the authority's anew.",
            operands: "show|renew", flags: [MasterCommands.state],
            notes:
                "renew: a running kmaster takes new ones within a minute. Certificates that end within 30 days are renewed anyway."
        ),
        run: { arguments, folder in
            switch arguments.operands {
            case ["show"]: try show(folder)
            case ["renew"]: renew(folder)
            default: throw UsageError("kmaster certs takes show or renew")
            }
        })

    private static func show(_ folder: StateFolder) throws {
        let now = SystemClock().now()
        var rows = [["CERTIFICATE", "SUBJECT", "ENDS", "LEFT"]]
        for name in files {
            guard let pem = try folder.read("pki/\(name).crt") else { continue }
            let certificate = try Certificate(pem: pem)
            let left = certificate.notAfter - now
            rows.append([
                name, certificate.commonName, certificate.notAfter.rfc3339, left < .zero ? "ended" : left.human,
            ])
        }
        StandardStreams.out(MasterCommands.table(rows))
    }

    private static func renew(_ folder: StateFolder) {
        for name in files where name != "ca" { unlink("\(folder.path)/pki/\(name).crt") }
        StandardStreams.out(
            "a running kmaster makes the certificates anew within a minute, another one when it starts next")
    }
}
