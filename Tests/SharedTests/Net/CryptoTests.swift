import Glibc
import Testing

@testable import Shared

struct CryptoTests {
    private let now = SystemClock().now()

    @Test func `digests are those of the standards`() {
        #expect(
            SHA256.hash(Array("abc".utf8)).hex == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        var digest = SHA256()
        digest.update(Array("a".utf8))
        digest.update(Array("xbc".utf8)[1...])
        #expect(digest.finish() == SHA256.hash(Array("abc".utf8)))
        let mac = HMAC256.sign(Array("what do ya want for nothing?".utf8), key: Array("Jefe".utf8))
        #expect(mac.hex == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
        #expect(!HMAC256.isValid([], of: [], key: []))
        #expect(Random.bytes(32) != Random.bytes(32))
    }

    @Test func `base64 keeps every length and refuses other letters`() {
        for count in 0..<20 {
            let bytes = Random.bytes(count)
            #expect(Base64.decode(Base64.encode(bytes)) == bytes)
            #expect(Base64.decodeURL(Base64.encodeURL(bytes)) == bytes)
        }
        #expect(Base64.encode(Array("fooba".utf8)) == "Zm9vYmE=")
        #expect(Base64.encodeURL([0xFB, 0xFF]) == "-_8")
        for text in ["Zg=", "Z", "Z===", "Zm9v!A==", "Zh=="] { #expect(Base64.decode(text) == nil) }
    }

    @Test(arguments: [false, true])
    func `signatures are checked and a changed byte is noticed`(isRSA: Bool) throws {
        let key = try isRSA ? PrivateKey.generateRSA() : PrivateKey.generate()
        let again = try PrivateKey(pem: key.pem)
        let text = Array("header.payload".utf8)
        let signature = try again.sign(text)
        #expect(signature.count == (isRSA ? 256 : 64))
        let known = try PublicKey(pem: key.publicKey.pem)
        #expect(known.algorithm == (isRSA ? .rs256 : .es256))
        #expect(known.isValid(signature, of: text))
        #expect(!known.isValid(signature, of: text + [0]))
        #expect(!known.isValid([], of: text))
        #expect((known.point == nil) == isRSA)
        #expect(known.modulus?.n.count == (isRSA ? 256 : nil))
    }

    @Test func `sealed bytes open with the same key only`() throws {
        let key = Random.bytes(32)
        for plain in [[], [1], [UInt8](repeating: 5, count: 10_000)] {
            let sealed = try AESGCM.seal(plain, key: key, authenticating: [1])
            #expect(try AESGCM.open(sealed, key: key, authenticating: [1]) == plain)
            #expect(throws: CryptoError.self) { _ = try AESGCM.open(sealed, key: key, authenticating: [2]) }
            #expect(throws: CryptoError.self) { _ = try AESGCM.open(sealed, key: Random.bytes(32)) }
        }
        #expect(throws: CryptoError.self) { _ = try AESGCM.open([], key: key) }
    }

    @Test func `gzip packs, unpacks and stops at its bound`() throws {
        let bytes = (0..<500_000).map { UInt8(truncatingIfNeeded: $0 / 1000) }
        let packed = try Gzip.compress(bytes)
        #expect(packed.count < 20_000)
        #expect(try Gzip.decompress(packed, most: 500_000) == bytes)
        #expect(try Gzip.decompress(packed + packed, most: 1_000_000) == bytes + bytes)
        #expect(throws: CryptoError.self) { _ = try Gzip.decompress(packed, most: 499_999) }
        #expect(throws: CryptoError.self) { _ = try Gzip.decompress(Array(packed.dropLast()), most: 500_000) }
        #expect(throws: CryptoError.self) { _ = try Gzip.decompress([1, 2, 3], most: 10) }
        #expect(try Gzip.decompress(Gzip.compress([]), most: 0) == [])
    }

    @Test func `a certificate says what it was issued for`() throws {
        let authority = try CertificateAuthority.make(commonName: "ca", from: now - .seconds(3600), for: .seconds(7200))
        let key = try PrivateKey.generate()
        let names = SubjectAltNames(dns: ["a.test", "*.b.test"], addresses: ["10.0.0.1", "fd00::1"])
        let server = try authority.issue(
            .server, to: DistinguishedName(commonName: "srv", organizations: ["x", "y"]), names: names,
            key: key.publicKey, from: now, for: .seconds(100_000))
        let again = try Certificate(pem: server.pem)
        #expect(again.subject == DistinguishedName(commonName: "srv", organizations: ["x", "y"]))
        #expect(again.issuer.commonName == "ca")
        #expect(again.subjectAltNames == names)
        #expect(again.notBefore.seconds == now.seconds)
        #expect(again.notAfter.seconds == authority.certificate.notAfter.seconds)
        #expect(again.matches(key))
        #expect(again.fingerprint == SHA256.hash(server.der))
        let trusted = [authority.certificate]
        #expect(again.problem(trusting: trusted, purpose: .server, at: now) == nil)
        #expect(again.problem(trusting: trusted, purpose: .client, at: now) != nil)
        #expect(
            again.problem(trusting: trusted, purpose: .server, at: now + .seconds(9000)) == "certificate has expired")
        let other = try CertificateAuthority.make(commonName: "ca", from: now, for: .seconds(10))
        #expect(again.problem(trusting: [other.certificate], purpose: .server, at: now) != nil)
        #expect(throws: CryptoError.self) { _ = try CertificateAuthority(certificate: server, key: other.key) }
    }

    @Test func `a request is signed by its key and its names reach the certificate`() throws {
        let key = try PrivateKey.generate()
        let subject = DistinguishedName(commonName: "system:node:n1", organizations: ["system:nodes"])
        let made = try CertificateRequest(
            subject: subject, names: SubjectAltNames(dns: ["n1"], addresses: ["10.1.1.1"]), key: key)
        let request = try CertificateRequest(pem: made.pem)
        #expect(request.subject == subject)
        #expect(request.subjectAltNames.addresses == ["10.1.1.1"])
        let authority = try CertificateAuthority.make(commonName: "ca", from: now, for: .seconds(100))
        let issued = try authority.issue([.client, .server], for: request, from: now, for: .seconds(50))
        #expect(issued.matches(key) && issued.subject == subject)
        #expect(issued.problem(trusting: [authority.certificate], purpose: .client, at: now) == nil)
        #expect(throws: CryptoError.self) { _ = try CertificateRequest(pem: Array("nonsense".utf8)) }
        for bad in ["a,DNS:evil", "", "a b", "a\nb"] {
            #expect(throws: CryptoError.self) {
                _ = try CertificateRequest(subject: subject, names: SubjectAltNames(dns: [bad]), key: key)
            }
        }
    }

    @Test func `broken PEM texts are refused with a sentence`() {
        for text in ["", "x", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            #expect(throws: CryptoError.self) { _ = try Certificate(pem: Array(text.utf8)) }
            #expect(throws: CryptoError.self) { _ = try PrivateKey(pem: Array(text.utf8)) }
            #expect(throws: CryptoError.self) { _ = try PublicKey(pem: Array(text.utf8)) }
        }
    }

    @Test func `a private file is replaced and readable by its owner only`() throws {
        let path = "/tmp/kotohajime-test-\(Random.bytes(6).hex)"
        defer { unlink(path) }
        try PrivateFile.write(path, [1, 2])
        try PrivateFile.write(path, [3])
        #expect(try Kubeconfig.file(path) == [3])
        var info = stat()
        stat(path, &info)
        #expect(info.st_mode & 0o777 == 0o600)
        #expect(throws: NetError.self) { try PrivateFile.write("/nowhere/file", []) }
    }
}
