import Shared

extension Limits {
    /// Characters of `generateName` that a name begins with: five more make a label of 63.
    static let generatedNamePrefixMax = 58
    /// How often a name made from `generateName` is made again when it is taken; then the create is refused with 409.
    static let generatedNameAttemptsMax = 8
    /// How often a change without `resourceVersion` is computed anew when others write in between; then 409.
    static let conflictAttemptsMax = 16
    /// Writers without server-side apply that `managedFields` names; the oldest are united as `ancient-changes`.
    /// Source: apimachinery `managedfields.DefaultMaxUpdateManagers`.
    static let updateManagersMax = 10
    /// Bytes of a manager's name; longer ones are refused with 422. Source: `validation.FieldManagerMaxLength`.
    static let fieldManagerBytesMax = 128
    /// Bytes of the annotation of client-side apply; a longer one is left out. Source: `TotalAnnotationSizeLimitB`.
    static let annotationBytesMax = 262_144
    /// Seconds that a deleted pod may take to end; a longer grace period is cut to it.
    static let graceSecondsMax = 10 * 365 * 24 * 3600
    /// Evictions that a budget remembers until its controller has seen them; above that it grants no more.
    /// Source: `MaxDisruptedPodSize`.
    static let disruptedPodsMax = 2000
}
