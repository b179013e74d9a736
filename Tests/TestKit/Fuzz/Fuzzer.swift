import Shared

/// Feeds parsers with inputs that nobody would send on purpose, or only on purpose. The same seed makes the same inputs.
package enum Fuzzer {
    /// What came of one parser.
    package struct Outcome: Sendable, CustomStringConvertible {
        package let name: String
        package let inputs: Int
        package let bytes: Int
        package let seconds: Double
        /// Broken promises with the inputs that showed them, at most ten.
        package let findings: [String]

        package var description: String {
            let speed = seconds > 0 ? Int(Double(inputs) / seconds) : 0
            return "fuzz \(name): \(inputs) inputs, \(bytes / max(1, inputs)) bytes each, \(speed)/s, "
                + "\(findings.count) broken promises"
        }
    }

    /// - Parameters inputs: how many for all parsers together; each gets its share.
    package static func run(_ targets: [FuzzTarget], inputs: Int, seed: UInt64, tell: (Outcome) -> Void = { _ in })
        -> [Outcome]
    {
        FuzzWatch.start(seed: seed)
        defer { FuzzWatch.stop() }
        let clock = ContinuousClock()
        var outcomes: [Outcome] = []
        for (index, target) in targets.enumerated() {
            var mutator = FuzzMutator(target, seed: seed &+ UInt64(index) &* 0x1_0000_0001)
            let count = inputs / targets.count + (index < inputs % targets.count ? 1 : 0)
            var bytes = 0
            var findings: [String] = []
            let start = clock.now
            for number in 0..<count {
                let input = mutator.input()
                bytes += input.count
                let finding = FuzzWatch.reading(input, target: index, number: number) { target.feed(input) }
                if let finding, findings.count < 10 {
                    findings.append(
                        "\(finding): \(String(decoding: input.prefix(2000), as: UTF8.self).debugDescription)")
                }
            }
            let outcome = Outcome(
                name: target.name, inputs: count, bytes: bytes, seconds: (clock.now - start) / .seconds(1),
                findings: findings)
            tell(outcome)
            outcomes.append(outcome)
        }
        return outcomes
    }
}
