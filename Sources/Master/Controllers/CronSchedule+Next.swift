import Shared

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
