import CNcurses
import Glibc

/// What the terminal database knows about this terminal. The console draws by itself; from ncurses it takes the facts.
struct Terminfo {
    let colors: Int
    let canMove: Bool
    let keys: [[UInt8]: Key]

    /// Nil when the terminal is unknown or `dumb`.
    init?(_ name: String, descriptor: Int32) {
        var problem: Int32 = 0
        guard name != "dumb", !name.isEmpty, setupterm(name, descriptor, &problem) == OK else { return nil }
        colors = max(0, Int(tigetnum(Terminfo.pointer("colors"))))
        canMove = Terminfo.string("cup") != nil
        var keys: [[UInt8]: Key] = [:]
        let names: [(String, Key)] = [
            ("kcuu1", .up), ("kcud1", .down), ("kcub1", .left), ("kcuf1", .right), ("khome", .home), ("kend", .end),
            ("kpp", .pageUp), ("knp", .pageDown), ("kdch1", .delete), ("kcbt", .backTab), ("kri", .shiftUp),
            ("kind", .shiftDown),
            ("kLFT", .shiftLeft), ("kRIT", .shiftRight),
        ]
        for (name, key) in names {
            if let sequence = Terminfo.string(name), sequence.count > 1 { keys[sequence] = key }
        }
        self.keys = keys
    }

    /// The C interface takes `char *` but changes nothing; the copies live as long as the program, a handful of bytes.
    private static func pointer(_ name: String) -> UnsafeMutablePointer<CChar>? { strdup(name) }

    private static func string(_ name: String) -> [UInt8]? {
        guard let copy = pointer(name) else { return nil }
        defer { free(copy) }
        guard let value = tigetstr(copy), Int(bitPattern: value) != -1 else { return nil }
        return Array(UnsafeBufferPointer(start: value, count: strlen(value))).map { UInt8(bitPattern: $0) }
    }
}
