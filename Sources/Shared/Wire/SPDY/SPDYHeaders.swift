/// The unpacked form of the headers of a SPDY stream, and the dictionary that they are packed with.
/// Source: draft-mbelshe-httpbis-spdy-00 section 2.6.10.
package enum SPDYHeaders {
    /// Names become lower case, as the protocol wants them.
    package static func encode(_ headers: HTTPHeaders) -> [UInt8] {
        var bytes = SPDYFrame.number(UInt32(headers.fields.count))
        for field in headers.fields {
            for text in [field.name.lowercased(), field.value] {
                bytes += SPDYFrame.number(UInt32(text.utf8.count))
                bytes += text.utf8
            }
        }
        return bytes
    }

    /// A value of several, which are separated by a zero, becomes several fields.
    package static func decode(_ bytes: [UInt8]) throws(SPDYError) -> HTTPHeaders {
        var rest = bytes[...]
        func number() throws(SPDYError) -> Int {
            guard rest.count >= 4 else { throw SPDYError("the headers of a stream end early") }
            defer { rest = rest.dropFirst(4) }
            return rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
        }
        func text() throws(SPDYError) -> ArraySlice<UInt8> {
            let count = try number()
            guard count <= rest.count else { throw SPDYError("the headers of a stream end early") }
            defer { rest = rest.dropFirst(count) }
            return rest.prefix(count)
        }
        let count = try number()
        guard count <= Limits.spdyHeaderFieldsMax else { throw SPDYError("a stream has \(count) headers") }
        var headers = HTTPHeaders()
        for _ in 0..<count {
            let name = String(decoding: try text(), as: UTF8.self)
            for value in try text().split(separator: 0, omittingEmptySubsequences: false) {
                headers.add(name, String(decoding: value, as: UTF8.self))
            }
        }
        return headers
    }

    /// What both sides have seen before the first byte: frequent words, each after its length, and then frequent text.
    package static let dictionary: [UInt8] = {
        let words = """
            options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age \
            allow authorization cache-control connection content-base content-encoding content-language \
            content-length content-location content-md5 content-range content-type date etag expect expires from host \
            if-match if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards \
            pragma proxy-authenticate proxy-authorization range referer retry-after server te trailer \
            transfer-encoding upgrade user-agent vary via warning www-authenticate method get status 200_OK version \
            HTTP/1.1 url public set-cookie keep-alive origin
            """
        let text = """
            100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505203 \
            Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 \
            Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service UnavailableJan Feb Mar Apr \
            May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, \
            GMTchunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,\
            text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.
            """
        var bytes: [UInt8] = []
        for word in words.split(separator: " ") {
            bytes += SPDYFrame.number(UInt32(word.utf8.count))
            bytes += word.utf8.map { $0 == UInt8(ascii: "_") ? UInt8(ascii: " ") : $0 }
        }
        return bytes + text.utf8
    }()
}
