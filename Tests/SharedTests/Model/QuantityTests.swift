import Shared
import Testing

struct QuantityTests {
    @Test(arguments: [
        ("1", "1"), ("0.5", "500m"), ("1.5Gi", "1536Mi"), ("1024", "1024"), ("1024Ki", "1Mi"), ("-3e6", "-3e6"),
        ("2e3", "2e3"), ("0.0000000001", "1n"), (".5", "500m"), ("5.", "5"), ("-0", "0"), ("1000", "1k"),
    ])
    func `a quantity is written in its canonical form`(text: String, canonical: String) {
        #expect(Quantity(text)?.description == canonical)
    }

    @Test(arguments: ["", "-", ".", "1x", "e3", "1e", "1ee3", "1e19", "1E-9223372036854775808", "1 ", "Ki", "1e+-3"])
    func `what is no quantity is refused`(text: String) { #expect(Quantity(text) == nil) }

    @Test(arguments: ["99999999999999999999999999999999999999999", "1e18Ki", "9223372036854775807E", "8Ei", "16Ei"])
    func `what is too much counts as the most there is`(text: String) {
        guard let quantity = Quantity(text) else { return }
        #expect(quantity.value == Int.max)
        #expect((quantity + quantity).value == Int.max)
        #expect((Quantity(0) - quantity - quantity).value == -Int.max)
    }

    @Test func `digits beyond a billionth are rounded up`() {
        #expect(Quantity("0." + String(repeating: "0", count: 100) + "1")?.description == "1n")
        #expect(Quantity("1." + String(repeating: "3", count: 100)) == Quantity("1.333333334"))
    }
}
