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

    /// Nil when the text is no schedule; `CronText.problem` says why.
    init?(_ text: String) {
        if text.hasPrefix("@every ") {
            guard let duration = Duration(parsing: text.dropFirst(7)) else { return nil }
            self = .every(seconds: max(1, duration.nanoseconds / 1_000_000_000))
            return
        }
        let parts = (CronSchedule.forms[text] ?? text).split(whereSeparator: \.isWhitespace)
        guard parts.count == 5, let minutes = CronSchedule.field(parts[0], 0...59),
            let hours = CronSchedule.field(parts[1], 0...23), let days = CronSchedule.field(parts[2], 1...31),
            let months = CronSchedule.field(parts[3], 1...12, CronSchedule.months),
            let weekdays = CronSchedule.field(parts[4], 0...6, CronSchedule.weekdays)
        else { return nil }
        self = .fields(
            Fields(
                minutes: minutes.bits, hours: hours.bits, days: days.bits, months: months.bits,
                weekdays: weekdays.bits, anyDay: days.isStar || weekdays.isStar))
    }

    private static func field(
        _ text: Substring, _ range: ClosedRange<Int>, _ names: [String] = []
    ) -> (bits: UInt64, isStar: Bool)? {
        var bits: UInt64 = 0
        var isStar = false
        for term in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let part = CronSchedule.term(term, range, names) else { return nil }
            bits |= part.bits
            isStar = isStar || part.isStar
        }
        return (bits, isStar)
    }

    private static func term(
        _ text: Substring, _ range: ClosedRange<Int>, _ names: [String]
    ) -> (bits: UInt64, isStar: Bool)? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard let base = parts.first, parts.count <= 2 else { return nil }
        var step = 1
        if parts.count == 2 {
            guard let number = Int(parts[1]), number > 0 else { return nil }
            step = number
        }
        var bounds = range
        let isStar = base == "*" || base == "?"
        if !isStar {
            let ends = base.split(separator: "-", omittingEmptySubsequences: false).map { value(of: $0, range, names) }
            guard ends.count <= 2, let first = ends[0], range.contains(first) else { return nil }
            // `5/10` goes on to the end.
            var last = parts.count == 2 ? range.upperBound : first
            if ends.count == 2 {
                guard let end = ends[1], range.contains(end), end >= first else { return nil }
                last = end
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

    private static func value(of text: Substring, _ range: ClosedRange<Int>, _ names: [String]) -> Int? {
        names.firstIndex(of: text.lowercased()).map { $0 + range.lowerBound } ?? Int(text)
    }
}

extension CronSchedule {
    /// The first time after `time` at which the job is due; nil when there is none within five years.
    ///
    /// Local times that a change to summer time skips are skipped; those that occur twice count twice.
    func next(after time: Timestamp, in zone: ZoneRules) -> Timestamp? {
        switch self {
        case .every(let seconds): return Timestamp(seconds: time.seconds) + .seconds(seconds)
        case .fields(let fields): return fields.next(after: time.seconds, zone).map { Timestamp(seconds: $0) }
        }
    }
}

extension CronSchedule.Fields {
    /// Goes from the first minute after `start` to one that matches: whole days at first, then hours, then minutes.
    fileprivate func next(after start: Int64, _ zone: ZoneRules) -> Int64? {
        var local = LocalTime(at: (start / 60 + 1) * 60, in: zone)
        let lastYear = local.year + 5
        while local.year <= lastYear {
            if !has(months, local.month) {
                local = LocalTime(year: local.year, month: local.month + 1, day: 1, in: zone)
            } else if !matchesDay(local) {
                local = LocalTime(year: local.year, month: local.month, day: local.day + 1, in: zone)
            } else if !has(hours, local.hour) {
                local = LocalTime(at: local.instant + Int64(60 - local.minute) * 60, in: zone)
            } else if !has(minutes, local.minute) {
                local = LocalTime(at: local.instant + 60, in: zone)
            } else {
                return local.instant
            }
        }
        return nil
    }

    private func has(_ bits: UInt64, _ number: Int) -> Bool { bits >> UInt64(number) & 1 == 1 }

    private func matchesDay(_ local: LocalTime) -> Bool {
        let (day, weekday) = (has(days, local.day), has(weekdays, local.weekday))
        return anyDay ? day && weekday : day || weekday
    }
}

/// A minute as the clocks of a zone show it.
private struct LocalTime {
    /// Seconds since the epoch.
    let instant: Int64
    let year: Int
    let month: Int
    let day: Int
    let hour: Int
    let minute: Int
    /// 0 is Sunday.
    let weekday: Int

    init(at instant: Int64, in zone: ZoneRules) {
        self.instant = instant
        let local = instant + Int64(zone.offset(at: instant))
        let days = local.flooredDivision(by: 86_400)
        let second = Int(local - days * 86_400)
        (year, month, day) = Timestamp.civil(fromDays: days)
        (hour, minute) = (second / 3600, second / 60 % 60)
        weekday = Int((days + 4) - (days + 4).flooredDivision(by: 7) * 7)
    }

    /// The first minute of a day; the month may be 13, and the day one past the end of its month.
    init(year: Int, month: Int, day: Int, in zone: ZoneRules) {
        let first = Timestamp.days(fromYear: month > 12 ? year + 1 : year, month: month > 12 ? 1 : month, day: 1)
        let days = first + Int64(day - 1)
        let local = days * 86_400
        var start = LocalTime(at: local - Int64(zone.offset(at: local)), in: zone)
        // Around a change of the clocks the guess may be off by its amount.
        while Timestamp.days(fromYear: start.year, month: start.month, day: start.day) < days {
            start = LocalTime(at: start.instant + Int64(60 - start.minute) * 60, in: zone)
        }
        while start.hour > 0 || start.minute > 0 {
            let before = LocalTime(at: start.instant - 60 * Int64(start.minute == 0 ? 60 : start.minute), in: zone)
            guard before.day == start.day else { break }
            start = before
        }
        self = start
    }
}
