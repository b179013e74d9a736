/// The bytes of heads and chunks. Source: RFC 9112.
package enum HTTPWriter {
    /// The head of an answer with its empty line.
    package static func head(status: Int, headers: HTTPHeaders) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(256)
        bytes.append(contentsOf: "HTTP/1.1 \(status) \(reason(status))\r\n".utf8)
        append(headers, to: &bytes)
        return bytes
    }

    /// The head of a request with its empty line.
    package static func head(method: String, target: String, headers: HTTPHeaders) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(512)
        for byte in "\(method) \(target)".utf8 where byte > 0x1F && byte != 0x7F { bytes.append(byte) }
        bytes.append(contentsOf: " HTTP/1.1\r\n".utf8)
        append(headers, to: &bytes)
        return bytes
    }

    /// Line ends inside a value become spaces, so that no value can add a header of its own.
    private static func append(_ headers: HTTPHeaders, to bytes: inout [UInt8]) {
        for field in headers.fields {
            for byte in field.name.utf8 where byte > 0x20 && byte != 0x7F && byte != UInt8(ascii: ":") {
                bytes.append(byte)
            }
            bytes.append(UInt8(ascii: ":"))
            bytes.append(0x20)
            for byte in field.value.utf8 { bytes.append(byte == 0x0D || byte == 0x0A || byte == 0 ? 0x20 : byte) }
            bytes.append(0x0D)
            bytes.append(0x0A)
        }
        bytes.append(0x0D)
        bytes.append(0x0A)
    }

    /// The pieces as one chunk; none for no bytes, since an empty chunk ends the body.
    package static func chunk(_ pieces: [[UInt8]]) -> [[UInt8]] {
        let count = pieces.reduce(0) { $0 + $1.count }
        if count == 0 { return [] }
        return [Array("\(String(count, radix: 16))\r\n".utf8)] + pieces + [[0x0D, 0x0A]]
    }

    /// What follows the last chunk.
    package static let lastChunk = Array("0\r\n\r\n".utf8)
    package static let continueLine = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)

    /// Source: RFC 9110 section 15; the texts are Go's.
    package static func reason(_ status: Int) -> String {
        switch status {
        case 100: "Continue"
        case 101: "Switching Protocols"
        case 200: "OK"
        case 201: "Created"
        case 202: "Accepted"
        case 204: "No Content"
        case 206: "Partial Content"
        case 301: "Moved Permanently"
        case 302: "Found"
        case 303: "See Other"
        case 304: "Not Modified"
        case 307: "Temporary Redirect"
        case 308: "Permanent Redirect"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 406: "Not Acceptable"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 410: "Gone"
        case 411: "Length Required"
        case 413: "Request Entity Too Large"
        case 414: "Request URI Too Long"
        case 415: "Unsupported Media Type"
        case 416: "Requested Range Not Satisfiable"
        case 417: "Expectation Failed"
        case 422: "Unprocessable Entity"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        default: "Status"
        }
    }

    /// `Mon, 23 Nov 2026 10:02:03 GMT`. Source: RFC 9110 section 5.6.7.
    package static func date(_ time: Timestamp) -> String {
        let days = time.seconds.flooredDivision(by: 86_400)
        let (year, month, day) = Timestamp.civil(fromDays: days)
        let second = Int(time.seconds - days * 86_400)
        let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let weekday = weekdays[Int(days - days.flooredDivision(by: 7) * 7)]
        let clock = "\(two(second / 3600)):\(two(second / 60 % 60)):\(two(second % 60))"
        return "\(weekday), \(two(day)) \(months[month - 1]) \(year) \(clock) GMT"
    }
}
