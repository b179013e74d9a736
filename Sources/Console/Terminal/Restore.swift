import CLinux

/// The bytes that take the screen and give it back. Giving back is one prebuilt text, so that a signal handler can
/// write it. Source: xterm ctlseqs.
enum Restore {
    /// Alternate screen, no cursor, bracketed paste. The mouse stays off, so that text can be selected.
    static let enter = "\u{1B}[?1049h\u{1B}[?25l\u{1B}[?2004h\u{1B}[2J"
    /// End of a frame, colours, cursor, wrapping, paste, mouse and focus reports, keypad, main screen: all as they were.
    static let leave =
        "\u{1B}[?2026l\u{1B}[0m\u{1B}[?25h\u{1B}[?7h\u{1B}[?2004l\u{1B}[?1000l\u{1B}[?1002l\u{1B}[?1003l\u{1B}[?1006l\u{1B}[?1004l\u{1B}[?1l\u{1B}>\u{1B}[?1049l"

    /// Gives the screen back when the program crashes.
    static func arm(_ descriptor: Int32) {
        var text = leave
        _ = text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { clinux_terminal_arm(descriptor, $0.baseAddress, $0.count) }
        }
    }
    static func disarm() { clinux_terminal_disarm() }
}
