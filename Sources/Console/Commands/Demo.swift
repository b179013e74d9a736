import Shared

/// The demo of `assets/demo`.
enum Demo {
    static func apply(_ cluster: LocalCluster, _ call: Invocation) async throws {}
}
