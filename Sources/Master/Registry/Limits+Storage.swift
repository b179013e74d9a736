import Shared

extension Limits {
    /// How often a name made from `generateName` is made again when it is taken; then the create is refused with 409.
    static let generatedNameAttemptsMax = 8
    /// How often a change without `resourceVersion` is computed anew when others write in between; then 409.
    static let conflictAttemptsMax = 16
}
