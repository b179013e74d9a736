import CTLS

/// A request for a certificate, its own signature checked. Source: RFC 2986 (PKCS #10).
package struct CertificateRequest: Sendable {
    package let subject: DistinguishedName
    package let subjectAltNames: SubjectAltNames
    package let publicKey: PublicKey
    /// `CERTIFICATE REQUEST`.
    package let pem: [UInt8]

    /// Reads a request.
    /// - Throws: when it is broken or not signed by the key that it asks for.
    package init(pem: [UInt8]) throws {
        ERR_clear_error()
        guard let request = MemoryBIO.withReader(pem, { PEM_read_bio_X509_REQ($0, nil, nil, nil) }) else {
            throw CryptoError.last("read the certificate request")
        }
        defer { X509_REQ_free(request) }
        guard let key = X509_REQ_get_pubkey(request) else {
            throw CryptoError.last("read the key of the certificate request")
        }
        publicKey = PublicKey(owning: key)
        guard X509_REQ_verify(request, key) == 1 else {
            ERR_clear_error()
            throw CryptoError("the certificate request is not signed by its own key")
        }
        subject = DistinguishedName(X509_REQ_get_subject_name(request))
        if let extensions = X509_REQ_get_extensions(request) {
            subjectAltNames = SubjectAltNames(OpaquePointer(X509V3_get_d2i(extensions, 85, nil, nil)))
            ctls_free_extensions(extensions)
        } else {
            subjectAltNames = SubjectAltNames()
        }
        self.pem = pem
    }

    /// Makes and signs a request.
    package init(subject: DistinguishedName, names: SubjectAltNames = SubjectAltNames(), key: PrivateKey) throws {
        ERR_clear_error()
        guard let request = X509_REQ_new() else { throw CryptoError.last("make a certificate request") }
        defer { X509_REQ_free(request) }
        try subject.withPointer { name in
            guard X509_REQ_set_version(request, 0) == 1, X509_REQ_set_subject_name(request, name) == 1,
                X509_REQ_set_pubkey(request, key.pointer) == 1
            else { throw CryptoError.last("make a certificate request") }
        }
        if !names.isEmpty {
            guard let item = X509V3_EXT_conf_nid(nil, nil, 85, try names.configuration()),
                let extensions = OPENSSL_sk_new_null()
            else { throw CryptoError.last("make a certificate request") }
            _ = OPENSSL_sk_push(extensions, UnsafeRawPointer(item))
            defer { ctls_free_extensions(extensions) }
            guard X509_REQ_add_extensions(request, extensions) == 1 else {
                throw CryptoError.last("make a certificate request")
            }
        }
        guard X509_REQ_sign(request, key.pointer, EVP_sha256()) > 0 else {
            throw CryptoError.last("sign a certificate request")
        }
        let bio = MemoryBIO()
        _ = PEM_write_bio_X509_REQ(bio.pointer, request)
        self.pem = bio.bytes()
        self.subject = subject
        self.subjectAltNames = names
        self.publicKey = key.publicKey
    }
}
