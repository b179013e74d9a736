import CTLS

/// What a new certificate is for.
package struct CertificateUses: OptionSet, Sendable {
    package let rawValue: Int
    package init(rawValue: Int) { self.rawValue = rawValue }
    package static let server = CertificateUses(rawValue: 1 << 0)
    package static let client = CertificateUses(rawValue: 1 << 1)
}

/// An authority that issues certificates: a key and its own certificate. Source: RFC 5280.
package struct CertificateAuthority: Sendable {
    package let certificate: Certificate
    package let key: PrivateKey

    /// - Throws: when the key is not the certificate's.
    package init(certificate: Certificate, key: PrivateKey) throws {
        guard certificate.matches(key) else {
            throw CryptoError("the key of the authority is not the one of its certificate")
        }
        self.certificate = certificate
        self.key = key
    }

    /// A new self-signed authority; without a key one on P-256 is made.
    package static func make(
        commonName: String, key given: PrivateKey? = nil, from start: Timestamp, for validity: Duration
    ) throws -> CertificateAuthority {
        let key = try given ?? PrivateKey.generate()
        let certificate = try issue(
            DistinguishedName(commonName: commonName), SubjectAltNames(), key.publicKey, from: start, for: validity,
            extensions: [(87, "critical,CA:TRUE"), (83, "critical,digitalSignature,keyCertSign,cRLSign")], issuer: nil,
            key)
        return try CertificateAuthority(certificate: certificate, key: key)
    }

    /// A certificate for a public key.
    /// - Parameters:
    ///   - start: the first moment of validity; an hour of slack for other machines' clocks is the caller's to give.
    ///   - validity: cut to the authority's own end.
    package func issue(
        _ uses: CertificateUses, to subject: DistinguishedName, names: SubjectAltNames = SubjectAltNames(),
        key: PublicKey,
        from start: Timestamp, for validity: Duration
    ) throws -> Certificate {
        let left = certificate.notAfter - start
        var purposes: [String] = []
        if uses.contains(.server) { purposes.append("serverAuth") }
        if uses.contains(.client) { purposes.append("clientAuth") }
        return try CertificateAuthority.issue(
            subject, names, key, from: start, for: min(validity, left),
            extensions: [
                (87, "critical,CA:FALSE"), (83, "critical,digitalSignature,keyEncipherment"),
                (126, purposes.joined(separator: ",")),
            ], issuer: certificate, self.key)
    }

    /// Signs what a request asks for: its subject, names and key. Whether it may have them is the caller's to decide.
    package func issue(
        _ uses: CertificateUses, for request: CertificateRequest, from start: Timestamp, for validity: Duration
    ) throws -> Certificate {
        try issue(
            uses, to: request.subject, names: request.subjectAltNames, key: request.publicKey, from: start,
            for: validity)
    }

    private static func issue(
        _ subject: DistinguishedName, _ names: SubjectAltNames, _ publicKey: PublicKey, from start: Timestamp,
        for validity: Duration, extensions: [(Int32, String)], issuer: Certificate?, _ key: PrivateKey
    ) throws -> Certificate {
        ERR_clear_error()
        guard let pointer = X509_new() else { throw CryptoError.last("make a certificate") }
        let certificate = Certificate(owning: pointer)
        try setNumbers(pointer, from: start, for: validity)
        try subject.withPointer { name in
            guard X509_set_subject_name(pointer, name) == 1,
                X509_set_issuer_name(pointer, issuer.map { X509_get_subject_name($0.pointer) } ?? name) == 1,
                X509_set_pubkey(pointer, publicKey.pointer) == 1
            else { throw CryptoError.last("make a certificate") }
        }
        for (nid, value) in extensions where !value.isEmpty { try add(nid, value, to: pointer) }
        if !names.isEmpty { try add(85, names.configuration(), to: pointer) }
        // Key identifiers, which strict clients ask for: an OCTET STRING, and a SEQUENCE with the issuer's as [0].
        try addRaw(82, [0x04, 20] + identifier(pointer), to: pointer)
        if let issuer { try addRaw(90, [0x30, 22, 0x80, 20] + identifier(issuer.pointer), to: pointer) }
        guard X509_sign(pointer, key.pointer, EVP_sha256()) > 0 else { throw CryptoError.last("sign a certificate") }
        return certificate
    }

    private static func setNumbers(_ certificate: OpaquePointer, from start: Timestamp, for validity: Duration) throws {
        // 127 bits: positive, and never the same twice.
        var serial = Random.bytes(16)
        serial[0] = serial[0] & 0x7F | 0x40
        let number = BN_bin2bn(serial, 16, nil)
        let integer = BN_to_ASN1_INTEGER(number, nil)
        let first = ASN1_TIME_set(nil, Int(start.seconds))
        let last = ASN1_TIME_set(nil, Int((start + validity).seconds))
        defer {
            BN_free(number)
            for string in [integer, first, last] { ASN1_STRING_free(string) }
        }
        guard X509_set_version(certificate, 2) == 1, X509_set_serialNumber(certificate, integer) == 1,
            X509_set1_notBefore(certificate, first) == 1, X509_set1_notAfter(certificate, last) == 1
        else { throw CryptoError.last("make a certificate") }
    }

    private static func identifier(_ certificate: OpaquePointer) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 20) { buffer, count in
            _ = X509_pubkey_digest(certificate, EVP_sha1(), buffer.baseAddress, nil)
            count = 20
        }
    }

    private static func add(_ nid: Int32, _ value: String, to certificate: OpaquePointer) throws {
        guard let item = X509V3_EXT_conf_nid(nil, nil, nid, value) else { throw CryptoError.last("make a certificate") }
        defer { X509_EXTENSION_free(item) }
        guard X509_add_ext(certificate, item, -1) == 1 else { throw CryptoError.last("make a certificate") }
    }

    private static func addRaw(_ nid: Int32, _ der: [UInt8], to certificate: OpaquePointer) throws {
        let string = ASN1_STRING_type_new(4)
        defer { ASN1_STRING_free(string) }
        guard ASN1_STRING_set(string, der, Int32(der.count)) == 1,
            let item = X509_EXTENSION_create_by_NID(nil, nid, 0, string)
        else { throw CryptoError.last("make a certificate") }
        defer { X509_EXTENSION_free(item) }
        guard X509_add_ext(certificate, item, -1) == 1 else { throw CryptoError.last("make a certificate") }
    }
}
