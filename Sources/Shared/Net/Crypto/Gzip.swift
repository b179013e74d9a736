import CTLS

/// Compression in the gzip format. Source: RFC 1952, zlib.h.
package enum Gzip {
    /// Compresses the pieces as if they were one.
    /// - Parameter level: 1 (fast) to 9 (small). Kubernetes uses 4.
    package static func compress(_ pieces: [[UInt8]], level: Int = 4) throws -> [[UInt8]] {
        var deflater = try Deflater(level: level)
        var result: [[UInt8]] = []
        for piece in pieces where !piece.isEmpty {
            let packed = try deflater.update(piece)
            if !packed.isEmpty { result.append(packed) }
        }
        result.append(try deflater.finish())
        return result
    }

    package static func compress(_ bytes: [UInt8], level: Int = 4) throws -> [UInt8] {
        Array(try compress([bytes], level: level).joined())
    }

    /// - Throws: when the bytes are broken, end early, or unpack to more than `most`.
    package static func decompress(_ bytes: [UInt8], most: Int) throws -> [UInt8] {
        var inflater = try Inflater()
        var result: [UInt8] = []
        try inflater.update(bytes) { piece in
            guard result.count + piece.count <= most else {
                throw CryptoError("the gzip data unpacks to more than \(most) bytes")
            }
            result.append(contentsOf: piece)
        }
        guard inflater.isComplete else { throw CryptoError("the gzip data ends early") }
        return result
    }
}

/// The stream of zlib, which must not move in memory.
final class ZStream {
    let pointer = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    private let end: (UnsafeMutablePointer<z_stream>) -> Int32

    init(end: @escaping (UnsafeMutablePointer<z_stream>) -> Int32) {
        pointer.initialize(to: z_stream())
        self.end = end
    }
    deinit {
        _ = end(pointer)
        pointer.deallocate()
    }
}

/// Compresses a stream. For one task at a time.
package struct Deflater: ~Copyable {
    private let stream = ZStream(end: deflateEnd)

    package init(level: Int = 6) throws {
        let size = Int32(MemoryLayout<z_stream>.size)
        guard deflateInit2_(stream.pointer, Int32(clamping: level), 8, 15 + 16, 8, 0, zlibVersion(), size) == 0 else {
            throw CryptoError("cannot start compressing: there is too little memory")
        }
    }

    package mutating func update(_ bytes: [UInt8]) throws -> [UInt8] { try step(bytes, flush: 0) }
    /// Ends the stream; what was held back.
    package mutating func finish() throws -> [UInt8] { try step([], flush: 4) }

    private func step(_ bytes: [UInt8], flush: Int32) throws -> [UInt8] {
        var result: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 64 * 1024)
        try bytes.withUnsafeBufferPointer { input in
            var offset = 0
            repeat {
                let count = min(input.count - offset, 1 << 30)
                stream.pointer.pointee.next_in = input.baseAddress.map { $0 + offset }
                stream.pointer.pointee.avail_in = UInt32(count)
                var isFull = true
                while isFull {
                    try room.withUnsafeMutableBufferPointer { output in
                        stream.pointer.pointee.next_out = output.baseAddress
                        stream.pointer.pointee.avail_out = UInt32(output.count)
                        let code = deflate(stream.pointer, flush)
                        guard code >= 0 || code == -5 else { throw CryptoError("compressing failed with code \(code)") }
                        isFull = stream.pointer.pointee.avail_out == 0
                        result.append(contentsOf: output[..<(output.count - Int(stream.pointer.pointee.avail_out))])
                    }
                }
                offset += count
            } while offset < input.count
        }
        return result
    }
}

/// Unpacks a gzip stream piece by piece with little memory, whatever it unpacks to. Several members in a row count as
/// one stream. For one task at a time.
package struct Inflater: ~Copyable {
    private let stream = ZStream(end: inflateEnd)
    /// True when the bytes so far end exactly at the end of a member.
    package private(set) var isComplete = false

    package init() throws {
        guard inflateInit2_(stream.pointer, 15 + 16, zlibVersion(), Int32(MemoryLayout<z_stream>.size)) == 0 else {
            throw CryptoError("cannot start unpacking: there is too little memory")
        }
    }

    /// - Parameter emit: takes the next unpacked bytes, at most 64 KiB at a time; throws to stop.
    package mutating func update(_ bytes: [UInt8], emit: (ArraySlice<UInt8>) throws -> Void) throws {
        var room = [UInt8](repeating: 0, count: 64 * 1024)
        guard bytes.count < UInt32.max else { throw CryptoError("a piece of gzip data is too large") }
        try bytes.withUnsafeBufferPointer { input in
            stream.pointer.pointee.next_in = input.baseAddress
            stream.pointer.pointee.avail_in = UInt32(input.count)
            while true {
                if isComplete {
                    if stream.pointer.pointee.avail_in == 0 { return }
                    guard inflateReset(stream.pointer) == 0 else { throw CryptoError("the gzip data is broken") }
                    isComplete = false
                }
                let (code, count) = room.withUnsafeMutableBufferPointer { output in
                    stream.pointer.pointee.next_out = output.baseAddress
                    stream.pointer.pointee.avail_out = UInt32(output.count)
                    let code = inflate(stream.pointer, 0)
                    return (code, output.count - Int(stream.pointer.pointee.avail_out))
                }
                guard code == 0 || code == 1 || code == -5 else { throw CryptoError("the gzip data is broken") }
                if count > 0 { try emit(room[..<count]) }
                if code == 1 {
                    isComplete = true
                } else if count < room.count, stream.pointer.pointee.avail_in == 0 || code == -5 {
                    return
                }
            }
        }
    }
}
