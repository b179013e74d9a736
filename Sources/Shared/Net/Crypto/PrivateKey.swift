import CTLS

/// A private key, EC P-256 or RSA. A class: it owns OpenSSL's key.
///
/// Unchecked, because a pointer is not Sendable: the key is never changed after `init`, and OpenSSL may read one key
/// from many threads.
package final class PrivateKey: @unchecked Sendable {
    let pointer: OpaquePointer

    private init(_ pointer: OpaquePointer) { self.pointer = pointer }
    deinit { EVP_PKEY_free(pointer) }

    /// A new key on the curve P-256.
    package static func generate() throws -> PrivateKey {
        guard let key = ctls_generate_p256() else { throw CryptoError.last("make a key") }
        return PrivateKey(key)
    }

    /// A new RSA key; takes up to a second.
    package static func generateRSA(bits: Int = 2048) throws -> PrivateKey {
        guard let key = ctls_generate_rsa(bits) else { throw CryptoError.last("make a key") }
        return PrivateKey(key)
    }

    /// Reads `PRIVATE KEY`, `EC PRIVATE KEY` or `RSA PRIVATE KEY`; not an encrypted one.
    package init(pem: [UInt8]) throws {
        ERR_clear_error()
        // The callback answers a question for a password with none, which fails instead of asking the terminal.
        guard let key = MemoryBIO.withReader(pem, { PEM_read_bio_PrivateKey($0, nil, { _, _, _, _ in 0 }, nil) }) else {
            throw CryptoError.last("read the private key (an unencrypted PEM block is needed)")
        }
        pointer = key
    }

    /// `PRIVATE KEY` in PKCS #8.
    package var pem: [UInt8] {
        let bio = MemoryBIO()
        _ = PEM_write_bio_PrivateKey(bio.pointer, pointer, nil, nil, 0, nil, nil)
        return bio.bytes()
    }

    package var publicKey: PublicKey {
        EVP_PKEY_up_ref(pointer)
        return PublicKey(owning: pointer)
    }

    /// A signature with SHA-256: for EC the 64 bytes r||s of a JWT, for RSA PKCS #1 v1.5.
    package func sign(_ bytes: [UInt8]) throws -> [UInt8] {
        let context = EVP_MD_CTX_new()
        defer { EVP_MD_CTX_free(context) }
        var size = 0
        guard EVP_DigestSignInit(context, nil, EVP_sha256(), nil, pointer) == 1,
            EVP_DigestSign(context, nil, &size, bytes, bytes.count) == 1
        else { throw CryptoError.last("sign") }
        var signature = [UInt8](repeating: 0, count: size)
        guard EVP_DigestSign(context, &signature, &size, bytes, bytes.count) == 1 else {
            throw CryptoError.last("sign")
        }
        signature.removeLast(signature.count - size)
        return publicKey.algorithm == .es256 ? try ECSignature.raw(der: signature) : signature
    }
}

/// The public half of a key. A class: it owns OpenSSL's key; see `PrivateKey` for why it is unchecked.
package final class PublicKey: @unchecked Sendable {
    /// The JWT names of the signatures that the key makes. Source: RFC 7518.
    package enum Algorithm: String, Sendable {
        case es256 = "ES256"
        case rs256 = "RS256"
    }
    let pointer: OpaquePointer

    init(owning pointer: OpaquePointer) { self.pointer = pointer }
    deinit { EVP_PKEY_free(pointer) }

    /// Reads `PUBLIC KEY`.
    package init(pem: [UInt8]) throws {
        ERR_clear_error()
        guard let key = MemoryBIO.withReader(pem, { PEM_read_bio_PUBKEY($0, nil, nil, nil) }) else {
            throw CryptoError.last("read the public key")
        }
        pointer = key
    }

    package var pem: [UInt8] {
        let bio = MemoryBIO()
        _ = PEM_write_bio_PUBKEY(bio.pointer, pointer)
        return bio.bytes()
    }

    package var algorithm: Algorithm { EVP_PKEY_get_base_id(pointer) == 6 ? .rs256 : .es256 }

    /// SubjectPublicKeyInfo in DER: what key identifiers are made of.
    package var der: [UInt8] {
        derBytes { i2d_PUBKEY(pointer, $0) }
    }

    /// The coordinates of a P-256 key, 32 bytes each; nil for another kind.
    package var point: (x: [UInt8], y: [UInt8])? {
        var bytes = [UInt8](repeating: 0, count: 133)
        var count = 0
        guard EVP_PKEY_get_octet_string_param(pointer, "pub", &bytes, bytes.count, &count) == 1, count == 65,
            bytes[0] == 4
        else { return nil }
        return (Array(bytes[1..<33]), Array(bytes[33..<65]))
    }

    /// Modulus and exponent of an RSA key; nil for another kind.
    package var modulus: (n: [UInt8], e: [UInt8])? {
        guard let n = number("n"), let e = number("e") else { return nil }
        return (n, e)
    }

    private func number(_ name: String) -> [UInt8]? {
        var number: OpaquePointer?
        guard EVP_PKEY_get_bn_param(pointer, name, &number) == 1, let number else { return nil }
        defer { BN_free(number) }
        var bytes = [UInt8](repeating: 0, count: (Int(BN_num_bits(number)) + 7) / 8)
        _ = BN_bn2binpad(number, &bytes, Int32(bytes.count))
        return bytes
    }

    /// Checks what `PrivateKey.sign` made.
    package func isValid(_ signature: [UInt8], of bytes: [UInt8]) -> Bool {
        let der = algorithm == .es256 ? ECSignature.der(raw: signature) : signature
        guard let der else { return false }
        let context = EVP_MD_CTX_new()
        defer {
            EVP_MD_CTX_free(context)
            ERR_clear_error()
        }
        return EVP_DigestVerifyInit(context, nil, EVP_sha256(), nil, pointer) == 1
            && EVP_DigestVerify(context, der, der.count, bytes, bytes.count) == 1
    }
}

/// The two forms of an ECDSA signature on P-256. Source: RFC 7515 A.3.
enum ECSignature {
    static func raw(der: [UInt8]) throws -> [UInt8] {
        let parsed = der.withUnsafeBufferPointer { buffer in
            var start = buffer.baseAddress
            return d2i_ECDSA_SIG(nil, &start, buffer.count)
        }
        guard let parsed else { throw CryptoError.last("read a signature") }
        defer { ECDSA_SIG_free(parsed) }
        var r: OpaquePointer?
        var s: OpaquePointer?
        ECDSA_SIG_get0(parsed, &r, &s)
        var first = [UInt8](repeating: 0, count: 32)
        var second = first
        guard BN_bn2binpad(r, &first, 32) == 32, BN_bn2binpad(s, &second, 32) == 32 else {
            throw CryptoError("the key is not on the curve P-256")
        }
        return first + second
    }

    static func der(raw: [UInt8]) -> [UInt8]? {
        guard raw.count == 64, let signature = ECDSA_SIG_new() else { return nil }
        defer { ECDSA_SIG_free(signature) }
        _ = ECDSA_SIG_set0(
            signature, BN_bin2bn(Array(raw.prefix(32)), 32, nil), BN_bin2bn(Array(raw.suffix(32)), 32, nil))
        return derBytes { i2d_ECDSA_SIG(signature, $0) }
    }
}

/// What an `i2d` function writes.
func derBytes(_ encode: (UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>?) -> Int32) -> [UInt8] {
    let count = Int(encode(nil))
    guard count > 0 else { return [] }
    return [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
        var next = buffer.baseAddress
        filled = Int(max(0, encode(&next)))
    }
}
