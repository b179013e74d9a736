import CTLS

/// An X.509 certificate. A class: it owns OpenSSL's.
///
/// Unchecked, because a pointer is not Sendable: the certificate is never changed after `init`, and OpenSSL may read
/// one from many threads.
package final class Certificate: @unchecked Sendable {
    package enum Purpose: Int32, Sendable {
        case client = 1
        case server = 2
    }
    let pointer: OpaquePointer

    init(owning pointer: OpaquePointer) { self.pointer = pointer }
    deinit { X509_free(pointer) }

    /// Reads the first `CERTIFICATE` block.
    package convenience init(pem: [UInt8]) throws {
        guard let first = try Certificate.chain(pem: pem).first else {
            throw CryptoError("there is no certificate in the PEM text")
        }
        X509_up_ref(first.pointer)
        self.init(owning: first.pointer)
    }

    /// Reads all `CERTIFICATE` blocks. Throws when there is none or one is broken.
    package static func chain(pem: [UInt8]) throws -> [Certificate] {
        ERR_clear_error()
        let result: [Certificate] = MemoryBIO.withReader(pem) { bio in
            var result: [Certificate] = []
            while let next = PEM_read_bio_X509(bio, nil, nil, nil) { result.append(Certificate(owning: next)) }
            return result
        }
        // The end of the text shows as "no start line".
        let reason = ERR_reason_error_string(ERR_peek_last_error()).map { String(cString: $0) } ?? ""
        guard !result.isEmpty, reason == "no start line" || reason.isEmpty else {
            throw CryptoError.last("read the certificate")
        }
        ERR_clear_error()
        return result
    }

    package var pem: [UInt8] {
        let bio = MemoryBIO()
        _ = PEM_write_bio_X509(bio.pointer, pointer)
        return bio.bytes()
    }
    package var der: [UInt8] { derBytes { i2d_X509(pointer, $0) } }
    /// SHA-256 of the DER form.
    package var fingerprint: [UInt8] { SHA256.hash(der) }
    /// Lower-case hexadecimal digits.
    package var serial: String {
        let number = X509_get0_serialNumber(pointer)
        return bytes(of: number).hex
    }

    package var subject: DistinguishedName { DistinguishedName(X509_get_subject_name(pointer)) }
    package var issuer: DistinguishedName { DistinguishedName(X509_get_issuer_name(pointer)) }
    /// The user name that Kubernetes reads.
    package var commonName: String { subject.commonName }
    /// The groups that Kubernetes reads.
    package var organizations: [String] { subject.organizations }
    package var notBefore: Timestamp { Certificate.time(X509_get0_notBefore(pointer)) }
    package var notAfter: Timestamp { Certificate.time(X509_get0_notAfter(pointer)) }
    package var subjectAltNames: SubjectAltNames {
        SubjectAltNames(OpaquePointer(X509_get_ext_d2i(pointer, 85, nil, nil)))
    }
    package var publicKey: PublicKey? { X509_get_pubkey(pointer).map { PublicKey(owning: $0) } }
    package func matches(_ key: PrivateKey) -> Bool { X509_check_private_key(pointer, key.pointer) == 1 }

    /// Why the certificate is not good for `purpose` at `time`; nil when it is.
    /// - Parameter intermediates: certificates that may stand between.
    package func problem(
        trusting authorities: [Certificate], intermediates: [Certificate] = [], purpose: Purpose, at time: Timestamp
    ) -> String? {
        let store = X509_STORE_new()
        let context = X509_STORE_CTX_new()
        let chain = OPENSSL_sk_new_null()
        defer {
            X509_STORE_CTX_free(context)
            X509_STORE_free(store)
            OPENSSL_sk_free(chain)
            ERR_clear_error()
        }
        for authority in authorities { _ = X509_STORE_add_cert(store, authority.pointer) }
        for certificate in intermediates { _ = OPENSSL_sk_push(chain, UnsafeRawPointer(certificate.pointer)) }
        return withExtendedLifetime((authorities, intermediates)) {
            guard X509_STORE_CTX_init(context, store, pointer, chain) == 1,
                X509_STORE_CTX_set_purpose(context, purpose.rawValue) == 1
            else { return "the certificate cannot be checked" }
            X509_STORE_CTX_set_time(context, 0, Int(time.seconds))
            if X509_verify_cert(context) == 1 { return nil }
            return String(cString: X509_verify_cert_error_string(Int(X509_STORE_CTX_get_error(context))))
        }
    }

    private static func time(_ value: OpaquePointer?) -> Timestamp {
        let epoch = ASN1_TIME_set(nil, 0)
        defer { ASN1_STRING_free(epoch) }
        var days: Int32 = 0
        var seconds: Int32 = 0
        guard ASN1_TIME_diff(&days, &seconds, epoch, value) == 1 else { return Timestamp(seconds: 0) }
        return Timestamp(seconds: Int64(days) * 86_400 + Int64(seconds))
    }
}

/// The parts of a subject or issuer that Kubernetes uses.
package struct DistinguishedName: Sendable, Hashable {
    package var commonName: String
    package var organizations: [String]

    package init(commonName: String, organizations: [String] = []) {
        self.commonName = commonName
        self.organizations = organizations
    }

    init(_ name: OpaquePointer?) {
        commonName = DistinguishedName.entries(name, 13).first ?? ""
        organizations = DistinguishedName.entries(name, 17)
    }

    private static func entries(_ name: OpaquePointer?, _ nid: Int32) -> [String] {
        var result: [String] = []
        var index = X509_NAME_get_index_by_NID(name, nid, -1)
        while index >= 0 {
            var text: UnsafeMutablePointer<UInt8>?
            let count = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, index)))
            if count >= 0, let text {
                result.append(String(decoding: UnsafeBufferPointer(start: text, count: Int(count)), as: UTF8.self))
                CRYPTO_free(text, nil, 0)
            }
            index = X509_NAME_get_index_by_NID(name, nid, index)
        }
        return result
    }

    /// Calls `body` with OpenSSL's form. Throws when a part is longer than its field allows (64 bytes of name).
    func withPointer<T>(_ body: (OpaquePointer?) throws -> T) throws -> T {
        let name = X509_NAME_new()
        defer { X509_NAME_free(name) }
        for (nid, text) in organizations.map({ (Int32(17), $0) }) + [(Int32(13), commonName)] where !text.isEmpty {
            let bytes = Array(text.utf8)
            guard X509_NAME_add_entry_by_NID(name, nid, 0x1000, bytes, Int32(clamping: bytes.count), -1, 0) == 1 else {
                throw CryptoError.last("put \"\(text.prefix(80))\" into a certificate")
            }
        }
        return try body(name)
    }
}

/// The hosts that a certificate stands for.
package struct SubjectAltNames: Sendable, Hashable {
    package var dns: [String]
    /// Numeric IPv4 and IPv6 addresses.
    package var addresses: [String]

    package init(dns: [String] = [], addresses: [String] = []) {
        self.dns = dns
        self.addresses = addresses
    }

    package var isEmpty: Bool { dns.isEmpty && addresses.isEmpty }

    /// Takes over OpenSSL's list.
    init(_ names: OpaquePointer?) {
        self.init()
        guard let names else { return }
        defer { GENERAL_NAMES_free(names) }
        for index in 0..<max(0, OPENSSL_sk_num(names)) {
            var type: Int32 = 0
            guard let name = OPENSSL_sk_value(names, index),
                let value = GENERAL_NAME_get0_value(OpaquePointer(name), &type)
            else { continue }
            let bytes = bytes(of: OpaquePointer(value))
            switch type {
            case 2: dns.append(String(decoding: bytes, as: UTF8.self))
            case 7: if let text = RawAddress.text(of: bytes) { addresses.append(text) }
            default: continue
            }
        }
    }

    /// `DNS:a,IP:1.2.3.4`. Throws when a name holds what no host name can.
    func configuration() throws -> String {
        for name in dns {
            guard !name.isEmpty, name.utf8.allSatisfy({ $0.isHostByte || $0 == UInt8(ascii: "*") }) else {
                throw CryptoError("\"\(name.prefix(80))\" is not a host name for a certificate")
            }
        }
        for address in addresses where (try? RawAddress.lookUp(address, port: 0, flags: 0x4)) == nil {
            throw CryptoError("\"\(address.prefix(80))\" is not an address for a certificate")
        }
        return (dns.map { "DNS:\($0)" } + addresses.map { "IP:\($0)" }).joined(separator: ",")
    }
}

extension UInt8 {
    fileprivate var isHostByte: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}

/// The contents of an ASN.1 string.
func bytes(of string: OpaquePointer?) -> [UInt8] {
    guard let string, let start = ASN1_STRING_get0_data(string) else { return [] }
    return Array(UnsafeBufferPointer(start: start, count: Int(max(0, ASN1_STRING_length(string)))))
}
