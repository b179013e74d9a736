/// The text forms of the Kubernetes API: `metav1.Time` (seconds) and `metav1.MicroTime` (microseconds).
/// Source: RFC 3339; calendar arithmetic after the proleptic Gregorian calendar.
extension Timestamp {
    /// `2026-11-23T10:02:03Z`; fractions of a second are dropped.
    package var rfc3339: String { format(fractionDigits: 0) }
    /// `2026-11-23T10:02:03.000004Z`.
    package var rfc3339Micro: String { format(fractionDigits: 6) }
    /// `2026-11-23T10:02:03.000000004Z`, as CRI log lines carry.
    package var rfc3339Nano: String { format(fractionDigits: 9) }

    /// Reads any RFC 3339 time: fraction optional, zone `Z` or `±hh:mm`. Nil when the text is anything else.
    package init?(rfc3339 text: some StringProtocol) {
        var text = Substring(text)
        guard let value = Timestamp.scan(&text), text.isEmpty else { return nil }
        self = value
    }

    private func format(fractionDigits: Int) -> String {
        let days = seconds.flooredDivision(by: 86_400)
        let secondOfDay = Int(seconds - days * 86_400)
        let (year, month, day) = Timestamp.civil(fromDays: days)
        var text = Timestamp.pad(year, 4) + "-" + Timestamp.pad(month, 2) + "-" + Timestamp.pad(day, 2) + "T"
        text += Timestamp.pad(secondOfDay / 3600, 2) + ":" + Timestamp.pad(secondOfDay / 60 % 60, 2)
        text += ":" + Timestamp.pad(secondOfDay % 60, 2)
        if fractionDigits > 0 {
            let fraction = Timestamp.pad(Int(nanoseconds - seconds * 1_000_000_000), 9)
            text += "." + fraction.prefix(fractionDigits)
        }
        return text + "Z"
    }

    private static func pad(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    private static func scan(_ text: inout Substring) -> Timestamp? {
        guard let year = digits(4, &text), take("-", &text), let month = digits(2, &text), take("-", &text),
            let day = digits(2, &text), take("T", &text) || take("t", &text),
            let hour = digits(2, &text), take(":", &text), let minute = digits(2, &text), take(":", &text),
            let second = digits(2, &text)
        else { return nil }
        guard (1...12).contains(month), day >= 1, day <= daysIn(month: month, of: year), hour < 24, minute < 60,
            second <= 60
        else { return nil }
        var nanos: Int64 = 0
        if take(".", &text) {
            let fraction = text.prefix { $0.isASCII && $0.isNumber }
            guard !fraction.isEmpty else { return nil }
            text = text.dropFirst(fraction.count)
            let padded = (fraction.prefix(9) + "00000000").prefix(9)
            nanos = Int64(padded) ?? 0
        }
        var offset = 0
        if !take("Z", &text), !take("z", &text) {
            let sign = take("+", &text) ? 1 : take("-", &text) ? -1 : 0
            guard sign != 0, let hours = digits(2, &text), take(":", &text), let minutes = digits(2, &text),
                hours < 24, minutes < 60
            else { return nil }
            offset = sign * (hours * 3600 + minutes * 60)
        }
        let seconds = days(fromYear: year, month: month, day: day) * 86_400
        let total = seconds + Int64(hour * 3600 + minute * 60 + second - offset)
        // Years before 1678 and after 2261 do not fit and are no time.
        let (scaled, overflow) = total.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, overflowed) = scaled.addingReportingOverflow(nanos)
        return overflow || overflowed ? nil : Timestamp(nanoseconds: sum)
    }

    private static func take(_ character: Character, _ text: inout Substring) -> Bool {
        guard text.first == character else { return false }
        text.removeFirst()
        return true
    }

    private static func digits(_ count: Int, _ text: inout Substring) -> Int? {
        let part = text.prefix(count)
        guard part.count == count, part.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
        text = text.dropFirst(count)
        return Int(part)
    }

    package static func daysIn(month: Int, of year: Int) -> Int {
        switch month {
        case 4, 6, 9, 11: 30
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        default: 31
        }
    }

    /// Days from 1970-01-01 to a civil date. Years start in March here, so that the leap day comes last.
    package static func days(fromYear year: Int, month: Int, day: Int) -> Int64 {
        let marchYear = Int64(month <= 2 ? year - 1 : year)
        let era = marchYear.flooredDivision(by: 400)
        let yearOfEra = marchYear - era * 400
        let dayOfYear = Int64((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1)
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    /// The civil date of a day number counted from 1970-01-01.
    package static func civil(fromDays days: Int64) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = shifted.flooredDivision(by: 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let day = Int(dayOfYear - (153 * marchMonth + 2) / 5 + 1)
        let month = Int(marchMonth < 10 ? marchMonth + 3 : marchMonth - 9)
        return (Int(yearOfEra + era * 400) + (month <= 2 ? 1 : 0), month, day)
    }
}
