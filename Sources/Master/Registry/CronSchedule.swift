import Shared

/// When a CronJob is due: five fields of a crontab, or a form such as `@daily` and `@every 90s`.
/// Source: man 5 crontab; the standard parser of robfig/cron v3, which Kubernetes uses.
enum CronSchedule: Equatable, Sendable {
    /// Bit n of a field is set when the number n matches.
    struct Fields: Equatable, Sendable {
        var minutes: UInt64 = 0
        var hours: UInt64 = 0
        var days: UInt64 = 0
        var months: UInt64 = 0
        var weekdays: UInt64 = 0
        /// The day of the month, or of the week, is not restricted: both have to match. Else one of them suffices.
        var anyDay = false
    }
    case fields(Fields)
    /// Whole seconds, at least one.
    case every(seconds: Int64)

    private static let forms = [
        "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
        "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
    ]
    private static let months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
    private static let weekdays = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]

    /// What is wrong with a text that is no schedule.
    struct Mistake: Error {
        let text: String
    }

    init?(_ text: String) {
        do throws(Mistake) { try self.init(parsing: text) } catch { return nil }
    }

    /// - Throws: what is wrong, in the words of Kubernetes.
    init(parsing text: String) throws(Mistake) {
        if text.hasPrefix("TZ=") || text.hasPrefix("CRON_TZ=") {
            throw Mistake(text: "cannot use TZ or CRON_TZ in schedule, use timeZone field instead")
        }
        if text.hasPrefix("@every ") {
            guard let duration = Duration(parsing: text.dropFirst(7)) else {
                throw Mistake(text: "failed to parse duration \(text)")
            }
            self = .every(seconds: max(1, duration.nanoseconds / 1_000_000_000))
            return
        }
        if text.hasPrefix("@"), CronSchedule.forms[text] == nil {
            throw Mistake(text: "unrecognized descriptor: \(text)")
        }
        let parts = (CronSchedule.forms[text] ?? text).split(whereSeparator: \.isWhitespace)
        guard parts.count == 5 else { throw Mistake(text: "expected exactly 5 fields, found \(parts.count): \(text)") }
        let minutes = try CronSchedule.field(parts[0], 0...59)
        let hours = try CronSchedule.field(parts[1], 0...23)
        let days = try CronSchedule.field(parts[2], 1...31)
        let months = try CronSchedule.field(parts[3], 1...12, CronSchedule.months)
        let weekdays = try CronSchedule.field(parts[4], 0...6, CronSchedule.weekdays)
        self = .fields(
            Fields(
                minutes: minutes.bits, hours: hours.bits, days: days.bits, months: months.bits,
                weekdays: weekdays.bits, anyDay: days.isStar || weekdays.isStar))
    }

    private static func field(
        _ text: Substring, _ range: ClosedRange<Int>, _ names: [String] = []
    ) throws(Mistake) -> (bits: UInt64, isStar: Bool) {
        var bits: UInt64 = 0
        var isStar = false
        for term in text.split(separator: ",", omittingEmptySubsequences: false) {
            let part = try CronSchedule.term(term, range, names)
            bits |= part.bits
            isStar = isStar || part.isStar
        }
        return (bits, isStar)
    }

    private static func term(
        _ text: Substring, _ range: ClosedRange<Int>, _ names: [String]
    ) throws(Mistake) -> (bits: UInt64, isStar: Bool) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard let base = parts.first, parts.count <= 2 else { throw Mistake(text: "too many slashes: \(text)") }
        var step = 1
        if parts.count == 2 {
            guard let number = Int(parts[1]), number > 0 else {
                throw Mistake(text: "step of range should be a positive number: \(text)")
            }
            step = number
        }
        var bounds = range
        let isStar = base == "*" || base == "?"
        if !isStar {
            let ends = base.split(separator: "-", omittingEmptySubsequences: false)
            guard ends.count <= 2 else { throw Mistake(text: "too many hyphens: \(text)") }
            let first = try value(of: ends[0], names, range)
            // `5/10` goes on to the end.
            var last = parts.count == 2 ? range.upperBound : first
            if ends.count == 2 { last = try value(of: ends[1], names, range) }
            for number in ends.count == 2 ? [first, last] : [first] {
                if number < range.lowerBound {
                    throw Mistake(text: "beginning of range (\(number)) below minimum (\(range.lowerBound)): \(text)")
                }
                if number > range.upperBound {
                    throw Mistake(text: "end of range (\(number)) above maximum (\(range.upperBound)): \(text)")
                }
            }
            guard first <= last else {
                throw Mistake(text: "beginning of range (\(first)) beyond end of range (\(last)): \(text)")
            }
            bounds = first...last
        }
        var bits: UInt64 = 0
        var number = bounds.lowerBound
        while number <= bounds.upperBound {
            bits |= 1 << UInt64(number)
            // A step may be larger than any number here.
            guard step <= bounds.upperBound else { break }
            number += step
        }
        return (bits, isStar && step == 1)
    }

    private static func value(
        of text: Substring, _ names: [String], _ range: ClosedRange<Int>
    ) throws(Mistake) -> Int {
        if let index = names.firstIndex(of: text.lowercased()) { return index + range.lowerBound }
        guard let number = Int(text), number >= 0 else {
            throw Mistake(
                text: "failed to parse int from \(text): strconv.Atoi: parsing \(String(text).goQuoted): invalid syntax"
            )
        }
        return number
    }
}
