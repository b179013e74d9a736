import Shared

/// `kmaster user add NAME`: a kubeconfig for a person, with a client certificate.
enum UserCommand {
    static let entry = MasterCommands.Entry(
        command: Command(
            name: "kmaster user",
            summary: "Makes a kubeconfig for a user; what the user may do is decided by role bindings.",
            operands: "add NAME",
            flags: [
                MasterCommands.state, .init("group", .many("GROUP"), help: "a group of the user, such as developers"),
                .init("days", .one("N"), fallback: "365", help: "how long the certificate is good"),
            ],
            notes: "The kubeconfig is written to standard output: kmaster user add anna > anna.kubeconfig"),
        run: { arguments, folder in
            guard arguments.operands.count == 2, arguments.operands[0] == "add" else {
                throw UsageError("kmaster user takes add NAME")
            }
            let name = arguments.operands[1]
            guard let caPEM = try folder.read("pki/ca.crt"), let admin = try folder.read("admin.kubeconfig"),
                let config = try YAML.parse(admin).first?.value
            else { throw UsageError("the state folder has no certificate authority; start kmaster once") }
            let authority = try CertificateAuthority(
                certificate: Certificate(pem: caPEM), key: folder.key("pki/ca.key"))
            let key = try PrivateKey.generate()
            let days = try arguments.int("days", in: 1...3650) ?? 365
            let certificate = try authority.issue(
                .client, to: DistinguishedName(commonName: name, organizations: arguments.all("group")),
                key: key.publicKey,
                from: SystemClock().now() - .seconds(300), for: .seconds(days * 86_400))
            let server = config["clusters"][0]["cluster"]["server"].string ?? ""
            let made = MasterIdentity.kubeconfig(
                authority: authority.certificate, server: server, user: name, certificate: certificate, key: key)
            StandardStreams.write(YAML.emit(made), to: 1)
        })
}
