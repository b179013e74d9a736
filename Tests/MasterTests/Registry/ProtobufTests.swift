import Shared
import Testing

@testable import Master

struct ProtobufTests {
    /// A field of bytes.
    private static func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] {
        [number << 3 | 2, UInt8(bytes.count)] + bytes
    }

    private static var configMap: [UInt8] {
        let typeMeta = field(1, Array("v1".utf8)) + field(2, Array("ConfigMap".utf8))
        let metadata = field(1, Array("a".utf8))
        let entry = field(1, Array("k".utf8)) + field(2, Array("v".utf8))
        return [0x6B, 0x38, 0x73, 0] + field(1, typeMeta) + field(2, field(1, metadata) + field(2, entry))
    }

    @Test func `an object is read from its envelope`() throws {
        let object = try Protobuf.decode(Self.configMap)
        #expect(
            object == ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "a"], "data": ["k": "v"]])
    }

    @Test func `broken bytes are refused and never trap`() {
        for count in 0..<Self.configMap.count {
            _ = try? Protobuf.decode(Array(Self.configMap.prefix(count)))
            var changed = Self.configMap
            changed[count] = changed[count] ^ 0xFF
            _ = try? Protobuf.decode(changed)
        }
        #expect(throws: Status.self) { try Protobuf.decode([1, 2, 3]) }
    }
}
