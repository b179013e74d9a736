import Shared

extension NodeEndpoint {
    /// `GET /containerLogs/NAMESPACE/POD/CONTAINER`, with the parameters of `core/v1 PodLogOptions`.
    func logs(_ segments: [String], _ query: Query) async -> HTTPServerReply {
        let place: ContainerPlace
        switch await find(segments) {
        case .success(let found): place = found
        case .failure(let status): return Self.failure(status)
        }
        let options: LogOptions
        do throws(Status) { options = try LogOptions(query, now: clock.now()) } catch { return Self.failure(error) }
        let path: String
        if !options.isPrevious {
            path = place.log
        } else {
            guard let previous = place.previousLog else {
                let container = segments[3]
                return Self.failure(
                    Status(
                        .badRequest,
                        "previous terminated container \"\(container)\" in pod \"\(segments[2])\" not found"))
            }
            path = previous
        }
        let (source, clock) = (source, clock)
        let isLive: @Sendable () async -> Bool = {
            guard case .found(let now) = await source.find(segments[1], segments[2], segments[3]) else { return false }
            return now.id == place.id && now.isRunning
        }
        return .stream(status: 200, headers: ["Content-Type": "text/plain"]) { writer in
            let stream = LogStream(path: path, options: options)
            try await stream.start(writer)
            guard options.follows, !options.isPrevious else { return }
            while true {
                // What was written between the last look and the end still belongs to the log: look once more after it.
                let isLast = await !isLive()
                try await stream.poll(writer)
                if isLast || stream.isFull { return }
                try await clock.sleep(for: .milliseconds(Limits.logPollMilliseconds))
            }
        }
    }
}

/// `core/v1 PodLogOptions` as parameters.
struct LogOptions: Sendable, Equatable {
    var follows = false
    var isPrevious = false
    var showsTimes = false
    /// The last lines only; nil means all.
    var tail: Int?
    /// Lines from this time on.
    var since: Timestamp?
    /// Bytes after which the answer ends.
    var bytesMax: Int?

    init() {}

    /// - Throws: 422 with Kubernetes's text for numbers that make no sense.
    init(_ query: Query, now: Timestamp) throws(Status) {
        follows = query.bool("follow")
        isPrevious = query.bool("previous")
        showsTimes = query.bool("timestamps")
        tail = try LogOptions.number(query, "tailLines", least: 0)
        bytesMax = try LogOptions.number(query, "limitBytes", least: 1)
        if let seconds = try LogOptions.number(query, "sinceSeconds", least: 1) {
            since = now - .seconds(min(seconds, 4_000_000_000))
        }
        if let text = query["sinceTime"] {
            guard let time = Timestamp(rfc3339: text) else {
                throw LogOptions.invalid("sinceTime", text, "must be an RFC 3339 time")
            }
            since = time
        }
    }

    private static func number(_ query: Query, _ name: String, least: Int) throws(Status) -> Int? {
        guard let text = query[name] else { return nil }
        guard let number = Int(text), number >= least else {
            throw invalid(name, text, least == 0 ? "must be greater than or equal to 0" : "must be greater than 0")
        }
        return number
    }

    private static func invalid(_ field: String, _ value: String, _ why: String) -> Status {
        Status(.invalid, "PodLogOptions \"\" is invalid: \(field): Invalid value: \(value): \(why)")
    }
}
