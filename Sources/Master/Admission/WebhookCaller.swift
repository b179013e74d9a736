import Shared
import Synchronization

/// Carries questions to webhooks over HTTPS and keeps the connections. A class: all requests share it.
final class WebhookCaller: Sendable {
    /// Places where a service of the cluster answers: hosts and ports, best first.
    typealias Resolve = @Sendable (_ namespace: String, _ service: String, _ port: Int) -> [(host: String, port: Int)]

    /// Why a webhook gave no answer.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }
    /// Where to send, how to prove that it is the right one.
    private struct Place: Hashable {
        let host: String
        let port: Int
        let serverName: String
        let authority: String
    }
    private let resolve: Resolve
    private let clock: any WallClock
    private let transports = Mutex<[Place: HTTPTransport]>([:])

    init(clock: any WallClock, resolve: @escaping Resolve) {
        self.clock = clock
        self.resolve = resolve
    }

    /// - Throws: `Failure`, also when the webhook takes longer than it may.
    func post(_ review: JSON, to hook: Webhook) async throws -> JSON {
        let (places, path, url) = try target(hook)
        var request = HTTPRequest(
            "POST", "\(path)?timeout=\(Int(hook.timeout.inSeconds))s", body: review.encoded)
        request.headers["Content-Type"] = "application/json"
        request.headers["Accept"] = "application/json"
        request.headers["User-Agent"] = "kube-apiserver-admission"
        let question = request
        let whole = "Post \"\(url)?timeout=\(Int(hook.timeout.inSeconds))s\""
        do {
            guard let answer = try await clock.within(hook.timeout, { try await self.send(question, to: places) })
            else {
                throw CancellationError()
            }
            return answer
        } catch let failure as Failure {
            throw failure
        } catch is CancellationError {
            throw Failure(description: "\(whole): context deadline exceeded")
        } catch {
            throw Failure(description: "\(whole): \(error)")
        }
    }

    private func send(_ request: HTTPRequest, to places: [Place]) async throws -> JSON {
        var last: any Error = Failure(description: "no endpoints available")
        for place in places.prefix(Limits.webhookPlacesMax) {
            let response: HTTPResponse
            do {
                response = try await transport(place).send(request)
            } catch {
                last = error
                continue
            }
            guard (200..<300).contains(response.status) else {
                throw Failure(description: "the server answered with status \(response.status)")
            }
            guard let answer = try? JSON(parsing: response.body) else {
                throw Failure(description: "the answer is not JSON")
            }
            return answer
        }
        throw last
    }

    /// Nil for what is no `https` address with a port that can be reached.
    static func address(_ text: String) -> WebAddress? {
        WebAddress(text).flatMap { $0.isSecure && $0.port > 0 ? $0 : nil }
    }

    private func target(_ hook: Webhook) throws(Failure) -> (places: [Place], path: String, url: String) {
        let authority = hook.client["caBundle"].string ?? ""
        if let text = hook.client["url"].string {
            guard let url = WebhookCaller.address(text) else {
                throw Failure(description: "the URL \"\(text)\" can not be read")
            }
            let place = Place(host: url.host, port: url.port, serverName: url.host, authority: authority)
            return ([place], url.target, text)
        }
        let service = hook.client["service"]
        let name = service["name"].string ?? ""
        let namespace = service["namespace"].string ?? ""
        let port = service["port"].int ?? 443
        let path = service["path"].string ?? "/"
        let serverName = "\(name).\(namespace).svc"
        let url = "https://\(serverName):\(port)\(path)"
        let found = resolve(namespace, name, port)
        guard !found.isEmpty else {
            throw Failure(description: "Post \"\(url)\": no endpoints available for service \"\(name)\"")
        }
        let places = found.map {
            Place(host: $0.host, port: $0.port, serverName: serverName, authority: authority)
        }
        return (places, path.hasPrefix("/") ? path : "/\(path)", url)
    }

    private func transport(_ place: Place) throws -> HTTPTransport {
        if let known = transports.withLock({ $0[place] }) { return known }
        let trusted =
            place.authority.isEmpty ? nil : try Certificate.chain(pem: Base64.decode(place.authority) ?? [])
        let tls = try TLSContext.client(ca: trusted, serverName: place.serverName)
        let made = HTTPTransport(.host(place.host, port: place.port), tls: tls)
        transports.withLock { transports in
            if transports.count >= Limits.webhookTransportsMax { transports = [:] }
            transports[place] = made
        }
        return made
    }
}

extension Limits {
    /// Webhook servers to which connections are kept; above that all are let go.
    static let webhookTransportsMax = 256
    /// Endpoints of a service that one question is tried on.
    static let webhookPlacesMax = 3
}
