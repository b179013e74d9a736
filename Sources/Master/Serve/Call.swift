import Shared

/// One request on its way through the chain, once it is known who sends it and what it asks for.
struct Call: Sendable {
    let request: HTTPRequest
    let query: Query
    let info: RequestInfo
    let user: User
    /// Gets what a change has stored; nil when nobody asks.
    var trail: AuditTrail?

    /// The body as JSON, from JSON or YAML, and the members that were written twice.
    /// - Throws: 400 for a body that does not parse, 415 for another media type.
    func body(contentType given: String? = nil) throws(Status) -> (json: JSON, duplicates: [String]) {
        let header = given ?? request.headers["Content-Type"] ?? "application/json"
        let type = (header.split(separator: ";").first ?? "").trimmingSpaces.lowercased()
        switch type {
        case "", "application/json":
            var notes = JSONNotes()
            do throws(JSONError) {
                return (try JSON(parsing: request.body, notes: &notes), notes.duplicates)
            } catch {
                throw Status(.badRequest, "the body of the request is not JSON: \(error)")
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
            } catch {
                throw Status(.badRequest, "the body of the request is not YAML: \(error)")
            }
        case "application/vnd.kubernetes.protobuf": return (try Protobuf.decode(request.body), [])
        default:
            throw Status(
                .unsupportedMediaType,
                "the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf"
            )
        }
    }
}
