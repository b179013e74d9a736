/// A present image.
struct ImageInfo: Sendable, Equatable {
    /// The normal form: `docker.io/library/nginx:1.27`.
    var reference: String
    /// `sha256:…` of its configuration; `status.containerStatuses[].imageID`.
    var id: String
    /// `sha256:…` of its manifest, when it is known.
    var digest: String = ""
    var entrypoint: [String] = []
    var command: [String] = []
    /// `NAME=value`.
    var environment: [String] = []
    var user = ""
    var workingDirectory = ""
    /// `8080/tcp`.
    var exposedPorts: [String] = []
    /// Number or name, as the image says; empty: SIGTERM.
    var stopSignal = ""
    /// Unpacked size, bytes.
    var bytes: Int64 = 0

    /// The program to run. Source: Kubernetes: `command` replaces entrypoint and command, `args` the command only.
    func argv(command: [String], arguments: [String]) -> [String] {
        if !command.isEmpty { return command + arguments }
        return entrypoint + (arguments.isEmpty ? self.command : arguments)
    }
}

enum PullPolicy: String, Sendable { case always = "Always", ifNotPresent = "IfNotPresent", never = "Never" }

/// One entry of an image pull secret.
struct RegistryCredential: Sendable, Equatable {
    /// `registry.example:5000`, as in the image's name.
    var host: String
    var user: String
    var password: String
}
