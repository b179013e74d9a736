import Shared

/// The five fields of a cron schedule, or a macro. Source: `man 5 crontab`, robfig/cron's standard parser.
enum CronText {
    private static let macros: Set<String> = [
        "@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly",
    ]
    private static let fields: [(range: ClosedRange<Int>, names: [String])] = [
        (0...59, []), (0...23, []), (1...31, []),
        (1...12, ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]),
        (0...6, ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]),
    ]

    /// What is wrong with a schedule; nil when nothing is.
    static func problem(in text: String) -> String? {
        if text.hasPrefix("TZ=") || text.hasPrefix("CRON_TZ=") {
            return "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
        }
        if text.hasPrefix("@every ") {
            return Duration(parsing: text.dropFirst(7)) == nil ? "failed to parse duration \(text)" : nil
        }
        if text.hasPrefix("@") { return macros.contains(text) ? nil : "unrecognized descriptor: \(text)" }
        let parts = text.split(whereSeparator: \.isWhitespace)
        guard parts.count == 5 else { return "expected exactly 5 fields, found \(parts.count): \(text)" }
        for (part, field) in zip(parts, fields) {
            for term in part.split(separator: ",", omittingEmptySubsequences: false) {
                if let problem = problem(term, field.range, field.names) { return problem }
            }
        }
        return nil
    }

    private static func problem(_ term: Substring, _ range: ClosedRange<Int>, _ names: [String]) -> String? {
        let steps = term.split(separator: "/", omittingEmptySubsequences: false)
        guard steps.count <= 2, let first = steps.first else { return "too many slashes: \(term)" }
        if steps.count == 2, (Int(steps[1]) ?? 0) <= 0 { return "step of range should be a positive number: \(term)" }
        if first == "*" || first == "?" { return nil }
        let ends = first.split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count <= 2 else { return "too many hyphens: \(term)" }
        var numbers: [Int] = []
        for end in ends {
            if let index = names.firstIndex(of: end.lowercased()) {
                numbers.append(index + range.lowerBound)
            } else if let number = Int(end), number >= 0 {
                numbers.append(number)
            } else {
                return "failed to parse int from \(end): strconv.Atoi: parsing \(String(end).goQuoted): invalid syntax"
            }
        }
        for number in numbers {
            if number < range.lowerBound {
                return "beginning of range (\(number)) below minimum (\(range.lowerBound)): \(term)"
            }
            if number > range.upperBound {
                return "end of range (\(number)) above maximum (\(range.upperBound)): \(term)"
            }
        }
        if numbers.count == 2, numbers[0] > numbers[1] {
            return "beginning of range (\(numbers[0])) beyond end of range (\(numbers[1])): \(term)"
        }
        return nil
    }
}
