import Shared

/// One request on its way through the chain, once it is known who sends it and what it asks for.
struct Call: Sendable {
    let request: HTTPRequest
    let query: Query
    let info: RequestInfo
    let user: User
    /// Gets what a change has stored; nil when nobody asks.
    var trail: AuditTrail?

    var isWatch: Bool { info.verb == "watch" }
    var isWrite: Bool { !["get", "list", "watch"].contains(info.verb) }

    /// The body as JSON, from JSON, YAML or protobuf, and the members that were written twice.
    /// - Parameter kind: what the body must be, for the answer when it can not be read.
    /// - Throws: 400 for a body that does not parse, 415 for another media type.
    func body(of kind: String = "object", contentType given: String? = nil) throws(Status) -> (
        json: JSON, duplicates: [String]
    ) {
        let header = given ?? request.headers["Content-Type"] ?? "application/json"
        let type = (header.split(separator: ";").first ?? "").trimmingSpaces.lowercased()
        switch type {
        case "", "application/json":
            var notes = JSONNotes()
            do throws(JSONError) {
                return (try JSON(parsing: request.body, notes: &notes), notes.duplicates)
            } catch {
                throw unreadable(kind, "couldn't get version/kind; json parse error: \(error)")
            }
        case "application/yaml", "application/x-yaml", "text/yaml", "application/apply-patch+yaml":
            do {
                let documents = try YAML.parse(request.body)
                guard documents.count == 1, let only = documents.first else {
                    throw Status(
                        .badRequest, "the body of the request must hold one YAML document, not \(documents.count)")
                }
                return (only.value, [])
            } catch let status as Status {
                throw status
            } catch let error as YAMLError {
                throw unreadable(kind, "yaml: \(GoText.complaint(error))")
            } catch {
                throw unreadable(kind, "\(error)")
            }
        case "application/vnd.kubernetes.protobuf": return (try Protobuf.decode(request.body), [])
        default:
            throw Status(
                .unsupportedMediaType,
                "the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf"
            )
        }
    }

    /// Source: apiserver `handlers/create.go`, `summarizeData`.
    private func unreadable(_ kind: String, _ why: String) -> Status {
        let head = request.body.prefix(30)
        let more = request.body.count > head.count ? " ..." : ""
        let shown: String
        if head.isEmpty {
            shown = "<empty>"
        } else if head.first == UInt8(ascii: "{") {
            shown = String(decoding: head, as: UTF8.self) + more
        } else {
            shown =
                head.map { byte in
                    let digits = String(byte, radix: 16)
                    return digits.count < 2 ? "0" + digits : digits
                }.joined() + more
        }
        return Status(
            .badRequest, "the object provided is unrecognized (must be of type \(kind)): \(why) (\(shown))")
    }
}
