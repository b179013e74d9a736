import Shared

/// A DNS message as a value. Source: RFC 1035 §4, RFC 6891 (EDNS0), RFC 2782 (SRV).
struct DNSMessage: Hashable, Sendable {
    enum Code: UInt8, Sendable {
        case success, formatError, serverFailure, nameError, notImplemented, refused
    }
    enum Kind {
        static let address: UInt16 = 1
        static let nameServer: UInt16 = 2
        static let alias: UInt16 = 5
        static let authority: UInt16 = 6
        static let pointer: UInt16 = 12
        static let text: UInt16 = 16
        static let address6: UInt16 = 28
        static let service: UInt16 = 33
        static let options: UInt16 = 41
        static let any: UInt16 = 255
    }
    struct Question: Hashable, Sendable {
        let name: DNSName
        let kind: UInt16
        /// 1 is the internet.
        var group: UInt16 = 1
    }
    struct Record: Hashable, Sendable {
        enum Content: Hashable, Sendable {
            case address(IPv4Address)
            case alias(DNSName)
            case pointer(DNSName)
            case service(priority: UInt16, weight: UInt16, port: UInt16, target: DNSName)
            case text(String)
            case authority(server: DNSName, contact: DNSName, serial: UInt32, negativeSeconds: UInt32)
            case other(kind: UInt16, [UInt8])
        }
        let name: DNSName
        /// Seconds that a client may keep it.
        var seconds: UInt32
        let content: Content
    }
    struct Options: Hashable, Sendable {
        /// The largest UDP answer that the sender takes, bytes.
        let answerBytesMax: UInt16
        let version: UInt8
    }

    var identifier: UInt16
    var isResponse = false
    var operation: UInt8 = 0
    var isAuthoritative = false
    var isTruncated = false
    var wantsRecursion = false
    var offersRecursion = false
    var code = Code.success
    var questions: [Question] = []
    var answers: [Record] = []
    var authorities: [Record] = []
    var additionals: [Record] = []
    /// Nil when the sender does not speak EDNS.
    var options: Options?

    init(identifier: UInt16) { self.identifier = identifier }

    /// The beginning of the answer to this message.
    func reply(_ code: Code = .success) -> DNSMessage {
        var reply = DNSMessage(identifier: identifier)
        reply.isResponse = true
        reply.operation = operation
        reply.wantsRecursion = wantsRecursion
        reply.offersRecursion = true
        reply.code = code
        reply.questions = questions
        if options != nil { reply.options = Options(answerBytesMax: 1232, version: 0) }
        return reply
    }
}

extension DNSMessage.Record.Content {
    var kind: UInt16 {
        switch self {
        case .address: DNSMessage.Kind.address
        case .alias: DNSMessage.Kind.alias
        case .pointer: DNSMessage.Kind.pointer
        case .service: DNSMessage.Kind.service
        case .text: DNSMessage.Kind.text
        case .authority: DNSMessage.Kind.authority
        case .other(let kind, _): kind
        }
    }
}
