import CLinux
import Glibc

/// What an exec plugin hands out. Source: client.authentication.k8s.io/v1 `ExecCredential`.
struct ExecCredential: Sendable, Equatable {
    var token: String?
    var certificate: [UInt8]?
    var key: [UInt8]?
    /// Nil: good for as long as the program runs.
    var expiry: Timestamp?

    init(_ json: JSON, command: String, apiVersion: String) throws(KubeconfigError) {
        guard json["kind"].string == "ExecCredential", json["apiVersion"].string == apiVersion else {
            throw KubeconfigError("the exec plugin \(command) did not print an ExecCredential of \(apiVersion)")
        }
        let status = json["status"]
        token = status["token"].string
        certificate = status["clientCertificateData"].string.map { Array($0.utf8) }
        key = status["clientKeyData"].string.map { Array($0.utf8) }
        expiry = status["expirationTimestamp"].string.flatMap { Timestamp(rfc3339: $0) }
        guard token != nil || certificate != nil else {
            throw KubeconfigError("the exec plugin \(command) printed neither a token nor a client certificate")
        }
    }
}

/// A program that a kubeconfig names for getting credentials.
struct ExecPlugin: Sendable, Equatable {
    let command: String
    let arguments: [String]
    let variables: [String: String]
    let apiVersion: String
    /// The value of `KUBERNETES_EXEC_INFO`.
    let information: JSON
    private let hint: String

    /// - Parameter cluster: told to the plugin where it asks for it (`provideClusterInfo`).
    init(_ json: JSON, folder: String, cluster: JSON) throws(KubeconfigError) {
        guard let command = json["command"].string, !command.isEmpty else {
            throw KubeconfigError("the exec plugin of the kubeconfig has no command")
        }
        apiVersion = json["apiVersion"].string ?? ""
        guard ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"].contains(apiVersion) else {
            throw KubeconfigError(
                "the exec plugin \(command) needs apiVersion client.authentication.k8s.io/v1 or v1beta1, not \"\(apiVersion)\""
            )
        }
        let isRelative = command.contains("/") && !command.hasPrefix("/")
        self.command = isRelative ? Kubeconfig.resolve(command, in: folder) : command
        arguments = json["args"].items.compactMap(\.string)
        var variables: [String: String] = [:]
        for item in json["env"].items {
            if let name = item["name"].string, !name.isEmpty { variables[name] = item["value"].string ?? "" }
        }
        self.variables = variables
        hint = json["installHint"].string ?? ""
        var spec: JSON = ["interactive": false]
        if json["provideClusterInfo"].bool == true { spec["cluster"] = cluster }
        information = ["kind": "ExecCredential", "apiVersion": .string(apiVersion), "spec": spec]
    }

    /// Runs the program and reads what it prints.
    func run(environment: [String: String]) async throws -> ExecCredential {
        var environment = environment
        for (name, value) in variables { environment[name] = value }
        environment["KUBERNETES_EXEC_INFO"] = information.text
        let output = try await Subprocess.output(command, arguments, environment: environment, installHint: hint)
        guard let json = try? JSON(parsing: output) else {
            throw KubeconfigError("the exec plugin \(command) printed something that is not JSON")
        }
        return try ExecCredential(json, command: command, apiVersion: apiVersion)
    }
}
