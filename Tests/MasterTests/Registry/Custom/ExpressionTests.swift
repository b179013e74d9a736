import Shared
import TestKit
import Testing

@testable import Master

struct ExpressionTests {
    private static let object: JSON = [
        "replicas": 3, "min": 1, "max": 5, "name": "web-1", "ratio": 1.5, "on": true, "list": ["a", "b", "c"],
        "numbers": [3, 1, 2], "map": ["k": "v", "l": "w"], "items": [["n": "x", "v": 1], ["n": "y", "v": 2]],
        "foo-bar": 7, "namespace": "ns",
    ]
    private static func evaluate(_ text: String, old: JSON? = nil) throws -> JSON {
        var evaluation = Evaluation()
        var variables = ["self": object]
        variables["oldSelf"] = old
        return try evaluation.value(try ExpressionParser.parse(text), variables)
    }

    @Test(arguments: [
        "self.replicas >= self.min && self.replicas <= self.max", "self.replicas + 2 * 2 == 7", "-self.replicas == -3",
        "7 / 2 == 3 && 7 % 2 == 1", "self.ratio > 1.0", "self.replicas < 3.5", "size(self.list) == 3",
        "self.list.size() == 3 && size(self.name) == 5", "'a' in self.list && !('z' in self.list)", "'k' in self.map",
        "self.list.all(x, x.size() == 1)", "self.list.exists(x, x == 'b')", "self.list.exists_one(x, x == 'b')",
        "self.items.map(i, i.v) == [1, 2]", "self.items.filter(i, i.v > 1).map(i, i.n) == ['y']",
        "self.map.all(k, self.map[k].startsWith('v') || self.map[k] == 'w')", "has(self.name) && !has(self.nothing)",
        "self.name.startsWith('web') && self.name.endsWith('1') && self.name.contains('-')",
        "self.name.matches('^[a-z]+-[0-9]$')", "self.on ? self.replicas == 3 : false", "self.foo__dash__bar == 7",
        "self.__namespace__ == 'ns'", "!has(self.nothing) || self.nothing > 3", "self.list[1] == 'b'",
        "self.map['k'] == 'v'", "self.numbers.sum() == 6 && self.numbers.max() == 3 && !self.numbers.isSorted()",
        "'a,b'.split(',').join('+') == 'a+b'", "self.name.lowerAscii().substring(0, 3) == 'web'",
        "\"q\\\"\\u0041\" == 'q\"A'", "r'\\d' == '\\\\d'", "int('7') == 7 && string(7) == '7' && double(2) == 2.0",
        "[1, 2] + [3] == [1, 2, 3]", "{'a': 1}.a == 1", "type(self.on) == 'bool' // a remark", "1 in [1, 2, 3]",
        "self.items.all(i, self.items.exists_one(j, j.n == i.n))", "isQuantity('1Gi')",
        "quantity('1Gi').isGreaterThan(quantity('1Mi'))", "duration('1h') > duration('3m')", "null == null",
        "self.map.size() == 2 && [1,2,3].exists(x, x > 2)", "false && self.missing == 1 || true",
    ])
    func `an expression that holds is true`(text: String) throws {
        #expect(try ExpressionTests.evaluate(text) == true)
    }

    @Test(arguments: [
        ("self.nothing > 3", "no such key: nothing"), ("1 / 0 == 1", "division by zero"),
        ("self.list[9] == 'a'", "index out of bounds: 9"), ("9223372036854775807 + 1 > 0", "integer overflow"),
        ("self.name + 1 == 'x'", "no such overload"),
    ])
    func `an expression that cannot be computed says why`(text: String, why: String) {
        let failure = #expect(throws: Evaluation.Failure.self) { try ExpressionTests.evaluate(text) }
        #expect(failure?.description == why)
    }

    @Test(arguments: [
        "self.", "self.a >", "foo(1)", "self.a.unknown()", "1 +", "(1", "'open", "self.all(x)", "self.x.all(1, true)",
        "has(self)", "a ? b", "b'bytes'", "self.a = 1", "if", "self.name.matches('(')", "{'a' 1}", "[1, 2", "@",
        "self.format()", "authorizer.group('')",
    ])
    func `what is not understood is refused when it is read`(text: String) {
        #expect(throws: Expression.Invalid.self) { try ExpressionParser.parse(text) }
    }

    @Test func `deep and long expressions are refused, and long work is cut off`() throws {
        #expect(throws: Expression.Invalid.self) {
            try ExpressionParser.parse(String(repeating: "(", count: 500) + "1")
        }
        #expect(throws: Expression.Invalid.self) {
            try ExpressionParser.parse(String(repeating: "!", count: 500) + "true")
        }
        #expect(throws: Expression.Invalid.self) {
            try ExpressionParser.parse((0..<500).map { _ in "1" }.joined(separator: "+"))
        }
        let list = "[" + (0..<60).map(String.init).joined(separator: ",") + "]"
        let nested = "\(list).all(a, \(list).all(b, \(list).all(c, \(list).all(d, a >= 0))))"
        var evaluation = Evaluation()
        let expression = try ExpressionParser.parse(nested)
        #expect(throws: Evaluation.Failure.self) { try evaluation.value(expression, [:]) }
        #expect(evaluation.stepsLeft < 0)
    }

    private static let schema = StructuralSchema([
        "type": "object",
        "properties": [
            "count": ["type": "integer"], "name": ["type": "string"],
            "list": ["type": "array", "items": ["type": "object", "properties": ["n": ["type": "string"]]]],
            "free": ["type": "object", "additionalProperties": ["type": "integer"]],
        ],
    ])

    @Test(arguments: [
        ("self.count > 0", true), ("self.missing > 0", false), ("self.list.all(x, x.n != '')", true),
        ("self.list.all(x, x.m != '')", false), ("self.count == 'a'", false), ("self.free['a'] > 1", true),
        ("self.name.startsWith('a')", true), ("self.count.startsWith('a')", false), ("self.count", false),
        ("self.count + 1", false), ("other > 1", false), ("self.metadata.name == 'x'", true), ("has(self.nope)", false),
        ("!self.count", false), ("self.name in ['a']", true), ("oldSelf.count <= self.count", true),
        ("self.count && true", false),
    ])
    func `names and types are checked against the schema`(text: String, fits: Bool) throws {
        let expression = try ExpressionParser.parse(text)
        let check = {
            try ExpressionCheck.check(expression, self: ExpressionTests.schema, isObject: true, result: "bool")
        }
        if fits { try check() } else { #expect(throws: Expression.Invalid.self) { try check() } }
    }
}
