extension JSON {
    /// Reads one member of the object in `bytes` and passes over the others, which costs a fraction of reading all.
    ///
    /// What is passed over is not checked: for bytes that were written as JSON. Null when there is no such member, or
    /// no object.
    package init(member name: String, parsing bytes: [UInt8]) throws(JSONError) {
        let result: Result<JSON, JSONError> = bytes.withUnsafeBufferPointer { buffer in
            var reader = JSONReader(bytes: buffer)
            do throws(JSONError) {
                return .success(try reader.member(name))
            } catch {
                return .failure(error)
            }
        }
        self = try result.get()
    }
}

extension JSONReader {
    /// The value of one member of an object at the top.
    mutating func member(_ name: String) throws(JSONError) -> JSON {
        skipSpace()
        guard take(UInt8(ascii: "{")) else { return .null }
        while true {
            skipSpace()
            guard peek() == UInt8(ascii: "\"") else { return .null }
            let key = try string()
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw fail("':' is missing after the member name") }
            skipSpace()
            if key == name { return try value() }
            try pass()
            skipSpace()
            guard take(UInt8(ascii: ",")) else { return .null }
        }
    }

    /// Passes over one value, however deep it is.
    private mutating func pass() throws(JSONError) {
        var level = 0
        while let byte = peek() {
            switch byte {
            case UInt8(ascii: "\""): passString()
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                level += 1
                position += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                // The end of what this value is a member of.
                if level == 0 { return }
                level -= 1
                position += 1
            case UInt8(ascii: ",") where level == 0: return
            default: position += 1
            }
        }
        throw fail("a value is not closed")
    }

    private mutating func passString() {
        position += 1
        while position < bytes.count, bytes[position] != UInt8(ascii: "\"") {
            position += bytes[position] == UInt8(ascii: "\\") ? 2 : 1
        }
        position = min(position + 1, bytes.count)
    }
}
