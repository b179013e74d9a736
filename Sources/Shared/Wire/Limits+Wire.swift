extension Limits {
    /// Most bytes that the aliases of one YAML document may add when they are written out, about 16 bytes a node plus
    /// its text; a document with more is refused, so that a small file can not grow without end.
    package static let yamlAliasBytesMax = 8 * 1024 * 1024
    /// Longest key of a YAML mapping that is written without `? `, bytes. Source: YAML 1.2, section 7.4.2 (1024 characters).
    package static let yamlKeyBytesMax = 4096
    /// Operations in one JSON patch; a longer one is refused with 413. Source: kube-apiserver.
    package static let jsonPatchOperationsMax = 10_000
    /// Bytes that the copy operations of one JSON patch may add. Source: kube-apiserver.
    package static let jsonPatchCopyBytesMax = 3 * 1024 * 1024
    /// Steps of work that `LineDiff` spends on the smallest difference before it shows a whole block as changed.
    package static let diffStepsMax = 4_000_000
}
