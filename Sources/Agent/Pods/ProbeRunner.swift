import Shared

/// Asks a container how it is, and runs its lifecycle hooks.
struct ProbeRunner: Sendable {
    let runtime: any Runtime
    let clock: any WallClock

    /// - Parameter address: of the pod.
    func run(_ action: Probe.Action, _ container: Container, id: ContainerID, address: String, timeout: Duration) async
        -> ProbeOutcome
    {
        switch action {
        case .exec(let argv): return await exec(argv, id, timeout)
        case .tcp(let host, let port): return await tcp(host.isEmpty ? address : host, port, container, timeout)
        case .http(let scheme, let host, let port, let path, let headers):
            guard let number = Self.port(port, container) else { return Self.badPort(port) }
            return await http(
                scheme, host.isEmpty ? address : host, number, path, headers: headers, timeout: timeout)
        case .unsupported(let sentence): return .errored(sentence)
        }
    }

    private func exec(_ argv: [String], _ id: ContainerID, _ timeout: Duration) async -> ProbeOutcome {
        do {
            let result = try await runtime.execProbe(argv, in: id, timeout: timeout)
            let output = String(decoding: result.output, as: UTF8.self)
            guard let code = result.exitCode else {
                return .failure("command \"\(argv.joined(separator: " "))\" timed out after \(timeout.human)")
            }
            return code == 0 ? .success : .failure(output)
        } catch {
            return .errored(error.message)
        }
    }

    private func tcp(_ host: String, _ port: JSON, _ container: Container, _ timeout: Duration) async -> ProbeOutcome {
        guard let number = Self.port(port, container) else { return Self.badPort(port) }
        do {
            let connection = try await Dialer.connect(host: host, port: number, timeout: timeout)
            connection.close()
            return .success
        } catch {
            return .failure("dial tcp \(host):\(number): \(Self.cause(error))")
        }
    }

    private func http(
        _ scheme: String, _ host: String, _ port: Int, _ path: String, headers: [String], timeout: Duration
    ) async -> ProbeOutcome {
        let isSecure = scheme.uppercased() == "HTTPS"
        let url = "\(isSecure ? "https" : "http")://\(host):\(port)\(path)"
        do {
            var timing = HTTPTransport.Timing()
            timing.connect = timeout
            timing.head = timeout
            timing.idle = timeout
            let tls = isSecure ? try TLSContext.client(insecure: true) : nil
            let transport = HTTPTransport(.host(host, port: port), tls: tls, timing: timing)
            defer { transport.closeIdle() }
            var request = HTTPRequest("GET", path)
            var pairs = headers[...]
            while let name = pairs.popFirst(), let value = pairs.popFirst() {
                if Self.isHeader(name), Self.isHeaderValue(value) { request.headers.add(name, value) }
            }
            if request.headers["User-Agent"] == nil { request.headers.add("User-Agent", "kube-probe/1.33") }
            request.headers["Connection"] = "close"
            let answer = try await transport.stream(request)
            answer.body.close()
            if (200..<400).contains(answer.status) { return .success }
            return .failure("HTTP probe failed with statuscode: \(answer.status)")
        } catch {
            return .failure("Get \"\(url)\": \(Self.cause(error, dialing: "\(host):\(port)"))")
        }
    }

    private static func isHeader(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x3A }
    }
    private static func isHeaderValue(_ text: String) -> Bool { text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F } }

    /// A number, or the name of one of the container's ports.
    private static func port(_ port: JSON, _ container: Container) -> Int? {
        if let number = port.int { return (1...65_535).contains(number) ? number : nil }
        guard let name = port.string else { return nil }
        if let named = container.ports.first(where: { $0["name"].string == name })?["containerPort"].int {
            return named
        }
        return Int(name).flatMap { (1...65_535).contains($0) ? $0 : nil }
    }

    private static func badPort(_ port: JSON) -> ProbeOutcome {
        .errored("strconv.Atoi: parsing \"\(port.string ?? port.text)\": invalid syntax")
    }

    /// The words that Kubernetes uses.
    private static func cause(_ error: any Error, dialing address: String = "") -> String {
        let prefix = address.isEmpty ? "" : "dial tcp \(address): "
        guard let error = error as? NetError else { return "\(error)" }
        switch error.reason {
        case .refused: return prefix + "connect: connection refused"
        case .timedOut:
            return address.isEmpty
                ? "i/o timeout" : "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
        default: return "\(error)"
        }
    }
}
