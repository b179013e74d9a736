import Shared
import TestKit
import Testing

@testable import Master

struct CronScheduleTests {
    private func time(_ text: String) throws -> Timestamp { try #require(Timestamp(rfc3339: text)) }

    @Test(arguments: [
        ("*/15 * * * *", "2026-03-01T10:07:30Z", "2026-03-01T10:15:00Z"),
        ("0 0 29 2 *", "2026-03-01T00:00:00Z", "2028-02-29T00:00:00Z"),
        ("5/20 3 * * *", "2026-03-01T03:05:00Z", "2026-03-01T03:25:00Z"),
        ("0 9-17/4 * * MON-FRI", "2026-03-06T17:00:00Z", "2026-03-09T09:00:00Z"),
        ("30 8 1,15 jan,JUL ?", "2026-01-15T08:30:00Z", "2026-07-01T08:30:00Z"),
        // Both days are restricted: one of them suffices.
        ("0 0 13 * 5", "2026-03-01T00:00:00Z", "2026-03-06T00:00:00Z"),
        ("0 0 13 * 5", "2026-03-06T00:00:00Z", "2026-03-13T00:00:00Z"),
        // A step takes the star away.
        ("0 0 */2 * 1", "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"),
        ("@weekly", "2026-03-04T00:00:00Z", "2026-03-08T00:00:00Z"),
        ("@yearly", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        ("@hourly", "2026-12-31T23:00:00Z", "2027-01-01T00:00:00Z"),
        ("@every 90s", "2026-03-01T00:00:10Z", "2026-03-01T00:01:40Z"),
        ("@every 1ms", "2026-03-01T00:00:10Z", "2026-03-01T00:00:11Z"),
    ])
    func `the next time follows the fields`(schedule: String, after: String, next: String) throws {
        let schedule = try #require(CronSchedule(schedule))
        #expect(schedule.next(after: try time(after), in: .utc) == (try time(next)))
    }

    @Test(arguments: [
        "", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 7", "5-1 * * * *",
        "*/0 * * * *", "*/x * * * *", "1,,2 * * * *", "@daily ", "@never", "@every", "@every x", "a * * * *",
        "1/2/3 * * * *", "1-2-3 * * * *", "-1 * * * *", "99999999999999999999 * * * *",
    ])
    func `what is no schedule is refused`(text: String) { #expect(CronSchedule(text) == nil) }

    @Test func `a schedule that never comes ends the search`() throws {
        let schedule = try #require(CronSchedule("59 23 31 2 *"))
        #expect(schedule.next(after: try time("2026-01-01T00:00:00Z"), in: .utc) == nil)
        #expect(CronSchedule("*/9223372036854775807 * * * *") != nil)
    }

    @Test(arguments: Seeds.tried().map { Seed($0) })
    func `the next time is the first that matches`(seed: Seed) throws {
        var random = seed
        func field(_ range: ClosedRange<Int>) -> String {
            let low = range.lowerBound + Int(random.next() % UInt64(range.count))
            let high = low + Int(random.next() % UInt64(range.upperBound - low + 1))
            return ["*", "\(low)", "\(low)-\(high)", "*/\(random.next() % 7 + 1)", "\(low),\(high)"][
                Int(random.next() % 5)]
        }
        let fields = [field(0...59), field(0...23), field(1...28), field(1...12), field(0...6)]
        let text = fields.joined(separator: " ")
        let schedule = try #require(CronSchedule(text), "\(text)")
        let start = Timestamp(seconds: 1_770_000_000 + Int64(random.next() % 40_000_000))
        let next = try #require(schedule.next(after: start, in: .utc), "\(seed) \(text)")
        #expect(next > start && next.seconds % 60 == 0, "\(seed) \(text)")
        // None of a sample of minutes before it matches: the search from there ends at the same minute.
        for _ in 0..<20 {
            let span = UInt64(next.seconds - start.seconds)
            let between = Timestamp(seconds: start.seconds + Int64(random.next() % span))
            #expect(schedule.next(after: between, in: .utc) == next, "\(seed) \(text)")
        }
    }

    // MARK: Zones

    private var newYork: ZoneRules {
        var zone = ZoneRules()
        zone.rule = ZoneRule("EST5EDT,M3.2.0,M11.1.0")
        return zone
    }

    @Test func `local times that are skipped are skipped, those that come twice count twice`() throws {
        let schedule = try #require(CronSchedule("30 2 * * *"))
        // The clocks go from 2 to 3 on March 8.
        #expect(
            schedule.next(after: try time("2026-03-07T08:00:00Z"), in: newYork) == (try time("2026-03-09T06:30:00Z")))
        let night = try #require(CronSchedule("30 1 * * *"))
        // They go from 2 back to 1 on November 1.
        let first = try time("2026-11-01T05:30:00Z")
        #expect(night.next(after: try time("2026-10-31T12:00:00Z"), in: newYork) == first)
        #expect(night.next(after: first, in: newYork) == (try time("2026-11-01T06:30:00Z")))
    }

    @Test func `midnight is local`() throws {
        var tokyo = ZoneRules()
        tokyo.rule = ZoneRule("JST-9")
        let daily = try #require(CronSchedule("@daily"))
        #expect(daily.next(after: try time("2026-03-01T10:00:00Z"), in: tokyo) == (try time("2026-03-01T15:00:00Z")))
        #expect(try time("2026-03-01T15:00:00Z").rfc3339(offset: 9 * 3600) == "2026-03-02T00:00:00+09:00")
        #expect(try time("2026-03-01T15:00:00Z").rfc3339(offset: -12_600) == "2026-03-01T11:30:00-03:30")
    }

    @Test func `rules of the year are read`() throws {
        let zone = try #require(ZoneRule("CET-1CEST,M3.5.0,M10.5.0/3"))
        #expect(zone.offset(at: try time("2026-03-29T00:59:59Z").seconds) == 3600)
        #expect(zone.offset(at: try time("2026-03-29T01:00:00Z").seconds) == 7200)
        #expect(zone.offset(at: try time("2026-10-25T01:00:00Z").seconds) == 3600)
        // The south, where summer goes over the new year.
        let sydney = try #require(ZoneRule("AEST-10AEDT,M10.1.0,M4.1.0/3"))
        #expect(sydney.offset(at: try time("2026-01-01T00:00:00Z").seconds) == 39_600)
        #expect(sydney.offset(at: try time("2026-07-01T00:00:00Z").seconds) == 36_000)
        #expect(try #require(ZoneRule("<+0330>-3:30")).offset(at: 0) == 12_600)
        for text in ["", "X", "EST", "EST5EDT,M3.2.0", "EST5EDT,M13.2.0,M11.1.0", "EST5EDT,M3.2.0,M11.1.0,", "<+03"] {
            #expect(ZoneRule(text) == nil, "\(text)")
        }
    }

    @Test(.enabled(if: TimeZoneDatabase.isThere)) func `zones come from the machine's database`() throws {
        let zone = try ZoneRules.named("America/New_York")
        #expect(zone.offset(at: try time("2026-01-15T00:00:00Z").seconds) == -18_000)
        #expect(zone.offset(at: try time("2026-07-15T00:00:00Z").seconds) == -14_400)
        #expect(zone.offset(at: try time("1945-07-15T00:00:00Z").seconds) == -14_400)
        #expect(zone.offset(at: try time("2126-07-15T00:00:00Z").seconds) == -14_400)
        for name in ["", "Nowhere/City", "../../etc/passwd", "/etc/passwd", "America", "a b", "zone.tab"] {
            #expect(throws: ZoneRules.Unknown.self, "\(name)") { try ZoneRules.named(name) }
        }
    }

    @Test(arguments: Seeds.tried().map { Seed($0) })
    func `broken zone files are refused or read, and never crash`(seed: Seed) {
        var random = seed
        var bytes = Array("TZif2".utf8) + [UInt8](repeating: 0, count: 39) + Array("TZif2".utf8)
        bytes += (0..<Int(random.next() % 120)).map { _ in UInt8(truncatingIfNeeded: random.next() % 4) }
        if let zone = ZoneRules(parsing: bytes) { #expect(abs(zone.offset(at: 0)) <= Int(Int32.max), "\(seed)") }
        bytes.removeLast(min(bytes.count, Int(random.next() % 50)))
        #expect(ZoneRules(parsing: Array(bytes.prefix(40))) == nil)
    }
}

/// Whether this machine knows time zones.
enum TimeZoneDatabase {
    static let isThere = (try? ZoneRules.named("Europe/Berlin")) != nil
}
