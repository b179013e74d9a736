import Shared

/// Renews the master's certificates while it runs: those that end soon, and those that `kmaster certs renew` has taken
/// away. Connections that are open keep the certificate that they began with.
struct CertificateRenewal: Service {
    let folder: StateFolder
    let names: SubjectAltNames
    /// The address that the administrator's kubeconfig names.
    let url: String
    /// What clients are shown.
    let server: TLSContext
    /// What agents are shown.
    let agents: TLSContext
    let clock: any WallClock
    let log: Log

    private static let period = Duration.seconds(60)

    func run() async throws {
        var shown = try MasterIdentity.open(folder, names: names, clock: clock)
        while true {
            try await clock.sleep(for: Self.period)
            do {
                let hasAdmin = try folder.read("pki/admin.crt") != nil
                let identity = try MasterIdentity.open(folder, names: names, clock: clock)
                if identity.serverCertificate.serial != shown.serverCertificate.serial {
                    try server.replace(certificate: [identity.serverCertificate], key: identity.serverKey)
                    log.info("the server has a new certificate", ("ends", identity.serverCertificate.notAfter.rfc3339))
                }
                if identity.clientCertificate.serial != shown.clientCertificate.serial {
                    try agents.replace(certificate: [identity.clientCertificate], key: identity.clientKey)
                }
                if !hasAdmin || identity.serverCertificate.serial != shown.serverCertificate.serial {
                    try identity.writeAdminKubeconfig(folder, server: url, clock: clock)
                }
                shown = identity
            } catch {
                log.warning("a certificate was not renewed; it is tried again in a minute", ("error", "\(error)"))
            }
        }
    }
}
