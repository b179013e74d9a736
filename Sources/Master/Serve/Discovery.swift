import Shared

/// The documents by which clients learn what the server offers. Source: KEP-3352, apimachinery `APIResourceList`.
enum Discovery {
    /// `/api`.
    static func coreVersions(serverAddress: String) -> JSON { [:] }
    /// `/apis`.
    static func groupList(_ registry: Registry) -> JSON { [:] }
    /// `/apis/GROUP`.
    static func group(_ name: String, _ registry: Registry) -> JSON? { nil }
    /// `/api/v1`, `/apis/GROUP/VERSION`.
    static func resourceList(group: String, version: String, _ registry: Registry) -> JSON? { nil }
    /// `/api` and `/apis` in the aggregated form. `version` is `v2` or `v2beta1`.
    static func aggregated(_ registry: Registry, core: Bool, version: String) -> JSON { [:] }
    /// `/version`.
    static func version() -> JSON { [:] }
    /// An entity tag for the bytes of a document.
    static func entityTag(_ bytes: [UInt8]) -> String { "" }
}
