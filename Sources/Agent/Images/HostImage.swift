/// What every node has without an image: its own system, as `HostSystem` shows it to containers.
enum HostImage {
    static let reference = "localhost/host"
    /// Who is known in its containers.
    static let passwd = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/sh\n"
    static let group = "root:x:0:\ntty:x:5:\nnogroup:x:65534:\n"
}
