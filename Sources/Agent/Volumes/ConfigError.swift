/// Why a container can not be configured: reason `CreateContainerConfigError`.
struct ConfigError: Error, Equatable, Sendable, CustomStringConvertible {
    let message: String
    init(_ message: String) { self.message = message }
    var description: String { message }
}
