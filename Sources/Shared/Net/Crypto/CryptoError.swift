import CTLS

/// Something that OpenSSL or zlib refuses, said in one sentence.
package struct CryptoError: Error, Equatable, Sendable, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }

    /// The refusal of the call that was made last on this thread.
    static func last(_ what: String) -> CryptoError {
        let text = ERR_reason_error_string(ERR_peek_last_error()).map { String(cString: $0) } ?? "invalid input"
        ERR_clear_error()
        return CryptoError("cannot \(what): \(text)")
    }
}

/// Random bytes and comparisons that give nothing away. Source: man 3ssl RAND_bytes, CRYPTO_memcmp.
package enum Random {
    /// Bytes for keys and tokens.
    package static func bytes(_ count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            precondition(
                RAND_bytes(buffer.baseAddress, Int32(clamping: count)) == 1, "the system gives no random bytes")
            filled = count
        }
    }
}

extension [UInt8] {
    /// Equality whose time tells nothing about where the difference is.
    package func isEqualInConstantTime(to other: [UInt8]) -> Bool {
        count == other.count && (isEmpty || CRYPTO_memcmp(self, other, count) == 0)
    }
    /// Lower-case hexadecimal digits.
    package var hex: String {
        var digits: [UInt8] = []
        digits.reserveCapacity(count * 2)
        for byte in self {
            for nibble in [byte >> 4, byte & 15] { digits.append(nibble < 10 ? 48 + nibble : 87 + nibble) }
        }
        return String(decoding: digits, as: UTF8.self)
    }
}
