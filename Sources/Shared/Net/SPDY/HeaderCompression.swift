import CTLS

/// Packs the headers of one direction of a SPDY session: one zlib stream for all of them, so they must be written in
/// the order in which they were packed. For one task at a time. Source: draft-mbelshe-httpbis-spdy-00 section 2.6.10.1.
struct HeaderDeflater: ~Copyable {
    private let stream = ZStream(end: deflateEnd)

    init() throws {
        let size = Int32(MemoryLayout<z_stream>.size)
        let dictionary = SPDYHeaders.dictionary
        guard deflateInit2_(stream.pointer, 6, 8, 15, 8, 0, zlibVersion(), size) == 0,
            deflateSetDictionary(stream.pointer, dictionary, UInt32(dictionary.count)) == 0
        else { throw CryptoError("cannot start compressing: there is too little memory") }
    }

    mutating func pack(_ headers: HTTPHeaders) throws -> [UInt8] {
        let bytes = SPDYHeaders.encode(headers)
        var room = [UInt8](repeating: 0, count: bytes.count + 1024)
        var result: [UInt8] = []
        try bytes.withUnsafeBufferPointer { input in
            stream.pointer.pointee.next_in = input.baseAddress
            stream.pointer.pointee.avail_in = UInt32(clamping: input.count)
            var isFull = true
            while isFull {
                try room.withUnsafeMutableBufferPointer { output in
                    stream.pointer.pointee.next_out = output.baseAddress
                    stream.pointer.pointee.avail_out = UInt32(clamping: output.count)
                    let code = deflate(stream.pointer, 2)  // Z_SYNC_FLUSH
                    guard code >= 0 || code == -5 else { throw CryptoError("compressing failed with code \(code)") }
                    isFull = stream.pointer.pointee.avail_out == 0
                    result.append(contentsOf: output[..<(output.count - Int(stream.pointer.pointee.avail_out))])
                }
            }
        }
        return result
    }
}

/// Unpacks the headers of the other direction. For one task at a time.
struct HeaderInflater: ~Copyable {
    private let stream = ZStream(end: inflateEnd)

    init() throws {
        guard inflateInit2_(stream.pointer, 15, zlibVersion(), Int32(MemoryLayout<z_stream>.size)) == 0 else {
            throw CryptoError("cannot start unpacking: there is too little memory")
        }
    }

    /// - Throws: for bytes that are no headers, and for headers above `Limits.spdyHeaderBytesMax`.
    mutating func unpack(_ block: [UInt8]) throws -> HTTPHeaders {
        var room = [UInt8](repeating: 0, count: 4096)
        var result: [UInt8] = []
        try block.withUnsafeBufferPointer { input in
            stream.pointer.pointee.next_in = input.baseAddress
            stream.pointer.pointee.avail_in = UInt32(clamping: input.count)
            while true {
                let (code, count) = room.withUnsafeMutableBufferPointer { output in
                    stream.pointer.pointee.next_out = output.baseAddress
                    stream.pointer.pointee.avail_out = UInt32(output.count)
                    let code = inflate(stream.pointer, 2)
                    return (code, output.count - Int(stream.pointer.pointee.avail_out))
                }
                if code == 2 {  // Z_NEED_DICT
                    let dictionary = SPDYHeaders.dictionary
                    guard inflateSetDictionary(stream.pointer, dictionary, UInt32(dictionary.count)) == 0 else {
                        throw SPDYError("the headers are packed with another dictionary")
                    }
                    continue
                }
                guard code == 0 || code == -5 else { throw SPDYError("the headers of a stream can not be unpacked") }
                guard result.count + count <= Limits.spdyHeaderBytesMax else {
                    throw SPDYError("the headers of a stream are larger than \(Limits.spdyHeaderBytesMax) bytes")
                }
                result.append(contentsOf: room[..<count])
                if count < room.count { break }
            }
        }
        return try SPDYHeaders.decode(result)
    }
}
