import Glibc

/// Lines for whoever started the program, written at once. Standard output carries results, standard error the rest.
package enum StandardStreams {
    package static func out(_ line: String) { write(line + "\n", to: STDOUT_FILENO) }
    package static func err(_ line: String) { write(line + "\n", to: STDERR_FILENO) }

    /// Writes the whole text; a reader that is gone ends it silently.
    package static func write(_ text: String, to descriptor: Int32) {
        _ = Array(text.utf8).writeAll(to: descriptor)
    }
}
