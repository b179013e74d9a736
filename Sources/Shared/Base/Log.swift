import Glibc
import Synchronization

/// One structured line per event on standard error: `2026-11-23T10:02:03.004Z INFO store: opened path=/x rows=3`.
///
/// Values with spaces, quotes or control characters are quoted and escaped, so that a hostile label can not forge a
/// line. Never pass a secret. Safe from any thread; a line is written by one `write`.
package struct Log: Sendable {
    package enum Level: Int, Comparable, Sendable, CaseIterable {
        case debug, info, warning, error
        package static func < (left: Level, right: Level) -> Bool { left.rawValue < right.rawValue }
        /// `debug`, `info`, `warning`, `error`.
        package init?(_ name: String) {
            guard let level = Level.allCases.first(where: { "\($0)" == name }) else { return nil }
            self = level
        }
    }
    package typealias Field = (name: String, value: any CustomStringConvertible & Sendable)

    /// Where lines go; a test may collect them.
    package typealias Sink = @Sendable (_ line: String) -> Void

    private let subject: String
    private let threshold: Level
    private let sink: Sink

    package init(_ subject: String, threshold: Level = .info, sink: @escaping Sink = Log.standardError) {
        self.subject = subject
        self.threshold = threshold
        self.sink = sink
    }

    /// The same log speaking of another part of the program.
    package func about(_ subject: String) -> Log { Log(subject, threshold: threshold, sink: sink) }

    package func debug(_ text: @autoclosure () -> String, _ fields: Field...) { write(.debug, text, fields) }
    package func info(_ text: @autoclosure () -> String, _ fields: Field...) { write(.info, text, fields) }
    package func warning(_ text: @autoclosure () -> String, _ fields: Field...) { write(.warning, text, fields) }
    package func error(_ text: @autoclosure () -> String, _ fields: Field...) { write(.error, text, fields) }

    private func write(_ level: Level, _ text: () -> String, _ fields: [Field]) {
        guard level >= threshold else { return }
        var line = "\(SystemClock().now().rfc3339Nano.prefix(23))Z \("\(level)".uppercased()) \(subject): "
        line += Log.clean(text())
        for field in fields { line += " \(field.name)=\(Log.quoted(field.value.description))" }
        sink(line)
    }

    package static let standardError: Sink = { line in
        let bytes = Array((line + "\n").utf8)
        _ = bytes.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    private static func quoted(_ value: String) -> String {
        let plain = value.unicodeScalars.allSatisfy { $0.value > 0x20 && $0 != "\"" && $0 != "\\" && $0.value != 0x7F }
        return plain && !value.isEmpty ? value : "\"" + clean(value, quote: true) + "\""
    }

    private static func clean(_ value: String, quote: Bool = false) -> String {
        var text = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\n": text += "\\n"
            case "\"" where quote: text += "\\\""
            case "\\" where quote: text += "\\\\"
            case let control where control.value < 0x20 || (0x7F...0x9F).contains(control.value):
                text += "\\u{" + String(control.value, radix: 16) + "}"
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}
