import Shared

/// Text of `describe` as it grows: lines of a level, cells ended by tabs. Pure. Source: kubectl's describe, whose layout it
/// reproduces.
struct DescribeText: Sendable {
    private var done = ""
    private var open = ""
    /// Seconds that local time is ahead of UTC.
    let zoneSeconds: Int
    let now: Timestamp

    init(zoneSeconds: Int = 0, now: Timestamp) {
        self.zoneSeconds = zoneSeconds
        self.now = now
    }

    var text: String { done + ElasticTabs.format(open) }

    /// Adds a line, indented by two spaces a level.
    mutating func line(_ level: Int = 0, _ text: String) {
        open += String(repeating: "  ", count: level) + SafeLine.clean(text, keepsLines: true) + "\n"
    }
    /// Ends the columns: what follows is laid out anew.
    mutating func flush() {
        done += ElasticTabs.format(open)
        open = ""
    }

    /// `Title:` and the pairs below each other.
    mutating func labels(_ title: String, _ labels: [String: String]) {
        pairs(title, labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" })
    }
    mutating func annotations(_ annotations: [String: String]) {
        let kept = annotations.filter { $0.key != LastApplied.annotation }.sorted { $0.key < $1.key }
        pairs(
            "Annotations",
            kept.map { key, value in
                if value.utf8.count + key.utf8.count + 2 <= 140, !value.contains("\n") { return "\(key): \(value)" }
                let lines = value.split(separator: "\n").map { line in
                    line.utf8.count > 138
                        ? String(decoding: line.utf8.prefix(138), as: UTF8.self) + "..." : String(line)
                }
                return "\(key):\n" + lines.map { "\t  \($0)" }.joined(separator: "\n")
            })
    }
    mutating func pairs(_ title: String, _ pairs: [String]) {
        line(0, "\(title):\t\(pairs.first ?? "<none>")")
        for pair in pairs.dropFirst() { line(0, "\t\(pair)") }
    }

    /// `Mon, 02 Jan 2006 15:04:05 +0000`; what is no time stays as it is.
    func time(_ json: JSON) -> String {
        guard let text = json.string else { return "<unset>" }
        guard let time = Timestamp(rfc3339: text) else { return text }
        let local = time + .seconds(zoneSeconds)
        let days = Int((local.seconds - (local.seconds % 86_400 + 86_400) % 86_400) / 86_400)
        let second = Int((local.seconds % 86_400 + 86_400) % 86_400)
        let (year, month, day) = Timestamp.civil(fromDays: Int64(days))
        let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let zone = abs(zoneSeconds) / 60
        let sign = zoneSeconds < 0 ? "-" : "+"
        return "\(weekdays[(days % 7 + 7) % 7]), \(two(day)) \(months[month - 1]) \(year) "
            + "\(two(second / 3600)):\(two(second / 60 % 60)):\(two(second % 60)) \(sign)\(two(zone / 60))\(two(zone % 60))"
    }

    /// `2006-01-02 15:04:05 +0000 UTC`, as Go prints a time.
    func plainTime(_ json: JSON) -> String {
        guard let text = json.string, let time = Timestamp(rfc3339: text) else { return json.string ?? "<unset>" }
        let local = (time + .seconds(zoneSeconds)).rfc3339
        let zone = abs(zoneSeconds) / 60
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let offset = "\(zoneSeconds < 0 ? "-" : "+")\(two(zone / 60))\(two(zone % 60))"
        let clock = local.prefix(19).map { $0 == "T" ? " " : $0 }
        return "\(String(clock)) \(offset) \(zoneSeconds == 0 ? "UTC" : offset)"
    }

    func age(_ json: JSON) -> String {
        guard let text = json.string else { return "<unknown>" }
        return Timestamp(rfc3339: text).map { (now - $0).human } ?? text
    }
}

/// The annotation in which `apply` keeps what it sent.
enum LastApplied {
    static let annotation = "kubectl.kubernetes.io/last-applied-configuration"
}
