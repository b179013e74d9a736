import Shared

extension Limits {
    /// A pax header or long name in a tar archive, bytes; more is refused.
    static let tarHeaderBytesMax = 1 << 20
    /// Extension headers before one file.
    static let tarHeadersMax = 16
    /// Files and unpacked bytes of one layer.
    static let layerFilesMax = 1_000_000
    static let layerBytesMax: Int64 = 64 << 30
    /// Layers of an image. Source: what overlayfs options hold in one page.
    static let imageLayersMax = 127
    /// Files and images of an archive.
    static let archiveFilesMax = 10_000
    static let archiveImagesMax = 100
    /// Places that a registry may lead to, one after the other, for one answer.
    static let registryRedirectsMax = 5
    /// Seconds without a byte after which a registry counts as lost.
    static let registryIdleSeconds = 30
    /// Attempts at one layer; each goes on where the last one stopped.
    static let downloadAttemptsMax = 4
    /// Largest manifest or configuration, bytes.
    static let archiveJSONBytesMax: Int64 = 4 << 20
}
