import CSQLite

/// A refusal of SQLite. Source: https://www.sqlite.org/rescode.html.
struct SQLiteError: Error, Equatable, CustomStringConvertible {
    /// The primary result code.
    let code: Int32
    let message: String

    init(code: Int32, message: String) {
        self.code = code & 0xFF
        self.message = message
    }

    var isFull: Bool { code == SQLITE_FULL }
    /// The file is damaged or something else than a database.
    var isCorrupt: Bool { code == SQLITE_CORRUPT || code == SQLITE_NOTADB }
    /// The file has a format of a later program.
    var isNewer: Bool { code == SQLITE_SCHEMA }
    var description: String { "\(message) (SQLite \(code))" }
}
