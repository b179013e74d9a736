import CTLS

/// SHA-256, at once or piece by piece. Source: FIPS 180-4, man 3ssl EVP_DigestInit.
package struct SHA256: ~Copyable {
    private let context: OpaquePointer?

    package init() {
        context = EVP_MD_CTX_new()
        precondition(EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1, "OpenSSL has no SHA-256")
    }
    deinit { EVP_MD_CTX_free(context) }

    package mutating func update(_ bytes: some Sequence<UInt8>) {
        let taken: Void? = bytes.withContiguousStorageIfAvailable {
            _ = EVP_DigestUpdate(context, $0.baseAddress, $0.count)
        }
        if taken == nil {
            let copy = Array(bytes)
            _ = EVP_DigestUpdate(context, copy, copy.count)
        }
    }

    /// The 32 bytes of the digest.
    package consuming func finish() -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 32) { buffer, count in
            _ = EVP_DigestFinal_ex(context, buffer.baseAddress, nil)
            count = 32
        }
    }

    package static func hash(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        var digest = SHA256()
        digest.update(bytes)
        return digest.finish()
    }
}

/// SHA-1 for the WebSocket handshake and key identifiers only; it protects nothing.
package enum SHA1 {
    package static func hash(_ bytes: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 20) { buffer, count in
            _ = EVP_Digest(bytes, bytes.count, buffer.baseAddress, nil, EVP_sha1(), nil)
            count = 20
        }
    }
}

/// HMAC with SHA-256. Source: RFC 2104.
package enum HMAC256 {
    package static func sign(_ bytes: [UInt8], key: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 32) { buffer, count in
            _ = HMAC(EVP_sha256(), key, Int32(clamping: key.count), bytes, bytes.count, buffer.baseAddress, nil)
            count = 32
        }
    }
    package static func isValid(_ signature: [UInt8], of bytes: [UInt8], key: [UInt8]) -> Bool {
        sign(bytes, key: key).isEqualInConstantTime(to: signature)
    }
}

/// AES-256 in Galois counter mode: secrets at rest. Source: NIST SP 800-38D.
package enum AESGCM {
    /// - Parameter key: 32 bytes.
    /// - Returns: 12 random bytes, the cipher text, 16 bytes of tag.
    package static func seal(_ plain: [UInt8], key: [UInt8], authenticating: [UInt8] = []) throws -> [UInt8] {
        guard key.count == 32, plain.count < Int32.max - 64 else {
            throw CryptoError("AES-256 needs a key of 32 bytes")
        }
        let nonce = Random.bytes(12)
        let context = EVP_CIPHER_CTX_new()
        defer { EVP_CIPHER_CTX_free(context) }
        var size: Int32 = 0
        var cipher = [UInt8](repeating: 0, count: plain.count)
        var tag = [UInt8](repeating: 0, count: 16)
        guard EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), nil, key, nonce) == 1,
            authenticating.isEmpty
                || EVP_EncryptUpdate(context, nil, &size, authenticating, Int32(clamping: authenticating.count)) == 1,
            plain.isEmpty || EVP_EncryptUpdate(context, &cipher, &size, plain, Int32(plain.count)) == 1,
            EVP_EncryptFinal_ex(context, &tag, &size) == 1, EVP_CIPHER_CTX_ctrl(context, 0x10, 16, &tag) == 1
        else { throw CryptoError.last("encrypt") }
        return nonce + cipher + tag
    }

    /// - Throws: when the key is another one or a byte was changed.
    package static func open(_ sealed: [UInt8], key: [UInt8], authenticating: [UInt8] = []) throws -> [UInt8] {
        guard key.count == 32, sealed.count >= 28, sealed.count < Int32.max else {
            throw CryptoError("the encrypted value is too short or the key has not 32 bytes")
        }
        let nonce = Array(sealed.prefix(12))
        let cipher = Array(sealed[12..<sealed.count - 16])
        var tag = Array(sealed.suffix(16))
        let context = EVP_CIPHER_CTX_new()
        defer { EVP_CIPHER_CTX_free(context) }
        var size: Int32 = 0
        var plain = [UInt8](repeating: 0, count: cipher.count)
        var none: [UInt8] = [0]
        guard EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), nil, key, nonce) == 1,
            authenticating.isEmpty
                || EVP_DecryptUpdate(context, nil, &size, authenticating, Int32(clamping: authenticating.count)) == 1,
            cipher.isEmpty || EVP_DecryptUpdate(context, &plain, &size, cipher, Int32(cipher.count)) == 1,
            EVP_CIPHER_CTX_ctrl(context, 0x11, 16, &tag) == 1, EVP_DecryptFinal_ex(context, &none, &size) == 1
        else {
            ERR_clear_error()
            throw CryptoError("cannot decrypt: the key is another one or the value was changed")
        }
        return plain
    }
}
