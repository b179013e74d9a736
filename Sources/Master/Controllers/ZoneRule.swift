import Shared

/// The rule by which a zone changes between standard and summer time every year: `CET-1CEST,M3.5.0,M10.5.0/3`.
/// Source: POSIX 1003.1 section 8.3, with the extensions of RFC 9636 section 3.3.1.
struct ZoneRule: Equatable, Sendable {
    /// A day of the year and the local second at which the clocks change.
    struct Change: Equatable, Sendable {
        enum Day: Equatable, Sendable {
            /// The nth weekday of a month; 5 means the last.
            case weekday(month: Int, week: Int, day: Int)
            /// 1…365; the 29th of February is never counted.
            case withoutLeapDay(Int)
            /// 0…365.
            case ofYear(Int)
        }
        var day: Day
        var second = 7200
    }
    /// Seconds east of UTC.
    var standard: Int
    var summer: (offset: Int, start: Change, end: Change)?

    static func == (left: ZoneRule, right: ZoneRule) -> Bool {
        left.standard == right.standard && left.summer?.offset == right.summer?.offset
            && left.summer?.start == right.summer?.start && left.summer?.end == right.summer?.end
    }

    /// Nil when the text is no such rule.
    init?(_ text: String) {
        var rest = Substring(text)
        guard ZoneRule.takeName(&rest), let west = ZoneRule.takeTime(&rest, hoursMax: 24) else { return nil }
        standard = -west
        guard !rest.isEmpty else { return }
        guard ZoneRule.takeName(&rest) else { return nil }
        var offset = standard + 3600
        if rest.first != "," {
            guard let west = ZoneRule.takeTime(&rest, hoursMax: 24) else { return nil }
            offset = -west
        }
        guard let start = ZoneRule.takeChange(&rest), let end = ZoneRule.takeChange(&rest), rest.isEmpty else {
            return nil
        }
        summer = (offset, start, end)
    }

    func offset(at instant: Int64) -> Int {
        guard let summer else { return standard }
        let local = instant + Int64(standard)
        let year = Timestamp.civil(fromDays: local.flooredDivision(by: 86_400)).year
        let start = summer.start.instant(in: year) - Int64(standard)
        let end = summer.end.instant(in: year) - Int64(summer.offset)
        let isSummer =
            start < end ? instant >= start && instant < end : instant >= start || instant < end
        return isSummer ? summer.offset : standard
    }

    // MARK: Parsing

    private static func takeName(_ text: inout Substring) -> Bool {
        let name: Substring
        if text.first == "<" {
            guard let end = text.firstIndex(of: ">") else { return false }
            name = text[...end]
        } else {
            name = text.prefix { $0.isASCII && $0.isLetter }
        }
        text = text.dropFirst(name.count)
        return name.count >= 3
    }

    private static func takeNumber(_ text: inout Substring) -> Int? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        text = text.dropFirst(digits.count)
        return digits.count <= 3 ? Int(digits) : nil
    }

    /// `[+-]hh[:mm[:ss]]` in seconds.
    private static func takeTime(_ text: inout Substring, hoursMax: Int) -> Int? {
        var sign = 1
        if text.first == "-" || text.first == "+" { sign = text.removeFirst() == "-" ? -1 : 1 }
        guard let hours = takeNumber(&text), hours <= hoursMax else { return nil }
        var seconds = hours * 3600
        for unit in [60, 1] where text.first == ":" {
            text.removeFirst()
            guard let number = takeNumber(&text), number < 60 else { return nil }
            seconds += number * unit
        }
        return sign * seconds
    }

    private static func takeChange(_ text: inout Substring) -> Change? {
        guard text.first == "," else { return nil }
        text.removeFirst()
        var change: Change
        if text.first == "M" {
            text.removeFirst()
            var numbers: [Int] = []
            for index in 0..<3 {
                if index > 0 {
                    guard text.first == "." else { return nil }
                    text.removeFirst()
                }
                guard let number = takeNumber(&text) else { return nil }
                numbers.append(number)
            }
            guard (1...12).contains(numbers[0]), (1...5).contains(numbers[1]), (0...6).contains(numbers[2]) else {
                return nil
            }
            change = Change(day: .weekday(month: numbers[0], week: numbers[1], day: numbers[2]))
        } else {
            let skipsLeapDay = text.first == "J"
            if skipsLeapDay { text.removeFirst() }
            guard let number = takeNumber(&text), number <= 365 else { return nil }
            if skipsLeapDay, number == 0 { return nil }
            change = Change(day: skipsLeapDay ? .withoutLeapDay(number) : .ofYear(number))
        }
        if text.first == "/" {
            text.removeFirst()
            guard let second = takeTime(&text, hoursMax: 167) else { return nil }
            change.second = second
        }
        return change
    }
}

extension ZoneRule.Change {
    /// The change in a year, in seconds since the epoch as if local time were UTC.
    fileprivate func instant(in year: Int) -> Int64 {
        let first = Timestamp.days(fromYear: year, month: 1, day: 1)
        let days: Int64
        switch day {
        case .weekday(let month, let week, let day):
            let start = Timestamp.days(fromYear: year, month: month, day: 1)
            let weekday = (start + 4) - (start + 4).flooredDivision(by: 7) * 7
            var date = 1 + (day - Int(weekday) + 7) % 7 + (week - 1) * 7
            while date > Timestamp.daysIn(month: month, of: year) { date -= 7 }
            days = start + Int64(date - 1)
        case .withoutLeapDay(let number):
            let isLeap = Timestamp.daysIn(month: 2, of: year) == 29
            days = first + Int64(number - 1 + (isLeap && number >= 60 ? 1 : 0))
        case .ofYear(let number): days = first + Int64(number)
        }
        return days * 86_400 + Int64(second)
    }
}
