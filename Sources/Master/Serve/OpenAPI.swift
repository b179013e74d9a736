import Shared

/// The OpenAPI v3 documents that kubectl reads for validation, patches and `explain`.
enum OpenAPI {
    /// `/openapi/v3`: one hashed address per group version.
    static func index(_ registry: Registry) -> JSON { [:] }
    /// `/openapi/v3/api/v1`, `/openapi/v3/apis/GROUP/VERSION`. Large: callers keep the bytes.
    static func document(group: String, version: String, _ registry: Registry) -> JSON? { nil }
}
