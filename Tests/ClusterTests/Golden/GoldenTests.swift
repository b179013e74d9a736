import Glibc
import Shared
import TestKit
import Testing

@testable import Master

/// All recordings of a real API server, replayed against this one.
///
/// `GOLDEN=apply,ssa-cm-*,val-upd-sts-svc swift test --filter GoldenTests` plays topics, scenarios or groups of
/// scenarios and prints every difference; `GOLDEN_LEVEL=1` only those in status, reason and causes (2: and texts);
/// `GOLDEN_ALL=1` with controllers only.
@Suite(.serialized)
struct GoldenTests {
    /// How many scenarios that all versions answer alike have to be right at each level. Raised as more of them are.
    static let floors: [GoldenScenario.Topic: [Int]] = [
        .patch: [185, 185, 185], .apply: [98, 98, 98], .validation: [486, 486, 486], .defaults: [66, 66, 66],
        .verbs: [115, 115, 115], .watch: [25, 25, 25], .crd: [24, 24, 24],
    ]

    @Test(.enabled(if: Golden.has("api.jsonl")), arguments: GoldenScenario.Topic.allCases)
    func `requests are answered as by a real server`(topic: GoldenScenario.Topic) async throws {
        let chosen = GoldenSelection()
        let scenarios = GoldenScenario.all.filter { $0.topic == topic && chosen.includes($0) }
        guard !scenarios.isEmpty else { return }
        var outcomes: [String: GoldenReplay.Outcome] = [:]
        // Controllers ran during most of the recordings, and not during others: the better outcome counts.
        for parts in getenv("GOLDEN_ALL") == nil ? [InProcessCluster.Parts.all, .server] : [.all] {
            let some = scenarios.filter { parts == .server ? outcomes[$0.id]?.level != 3 : $0.needsControllers }
            guard !some.isEmpty else { continue }
            var options = ControlPlane.Options()
            options.notReadyTolerationSeconds = 300
            try await InProcessCluster.with(nodes: 0, options: options, parts: parts) { cluster in
                // The recorded server had no default classes.
                for path in [
                    IngressClass.type.path(namespace: "", name: "kotohajime"),
                    StorageClass.type.path(namespace: "", name: "directory"),
                ] {
                    _ = try? await cluster.client.call("DELETE", path)
                }
                for (number, scenario) in some.enumerated() {
                    let outcome = try await GoldenReplay.run(scenario, on: cluster, number: number)
                    if outcomes[scenario.id]?.level ?? -1 < outcome.level { outcomes[scenario.id] = outcome }
                }
            }
        }
        var common = GoldenScore()
        var special = GoldenScore()
        for scenario in scenarios {
            guard let outcome = outcomes[scenario.id] else { continue }
            if scenario.only120.isEmpty { common.add(outcome) } else { special.add(outcome) }
            if chosen.isGiven { chosen.report(scenario, outcome) }
        }
        StandardStreams.out("golden \(topic): \(common); only 1.20: \(special)")
        guard !chosen.isGiven else { return }
        for (level, floor) in (GoldenTests.floors[topic] ?? []).enumerated() {
            #expect(common.passed[level] >= floor, "level \(level + 1) of \(topic): run with GOLDEN=\(topic)")
        }
    }
}

/// How many scenarios reach each level.
struct GoldenScore: CustomStringConvertible {
    private(set) var all = 0
    private(set) var passed = [0, 0, 0]

    mutating func add(_ outcome: GoldenReplay.Outcome) {
        all += 1
        for level in 0..<outcome.level { passed[level] += 1 }
    }
    var description: String {
        let names = ["outcomes", "messages", "bodies"]
        return zip(names, passed).map { "\($0) \($1)/\(all)" }.joined(separator: ", ")
    }
}

/// What the caller of the tests wants to see.
struct GoldenSelection {
    private let names: [String]
    private let level: Int

    init() {
        func variable(_ name: String) -> String { getenv(name).map { String(cString: $0) } ?? "" }
        names = variable("GOLDEN").split(separator: ",").map(String.init)
        level = Int(variable("GOLDEN_LEVEL")) ?? 3
    }

    var isGiven: Bool { !names.isEmpty }
    func includes(_ scenario: GoldenScenario) -> Bool {
        names.isEmpty
            || names.contains { name in
                name == scenario.topic.rawValue || name == scenario.id
                    || name.hasSuffix("*") && scenario.id.hasPrefix(name.dropLast())
            }
    }

    func report(_ scenario: GoldenScenario, _ outcome: GoldenReplay.Outcome) {
        let misses = outcome.misses.prefix(level).flatMap { $0 }
        guard !misses.isEmpty else { return }
        let mark = scenario.only120.isEmpty ? "" : " (only 1.20: \(scenario.only120.joined(separator: ", ")))"
        StandardStreams.out("✘ \(scenario.id) level \(outcome.level)\(mark) – \(scenario.about)")
        for miss in misses { StandardStreams.out(miss) }
    }
}
