import Shared

extension APIServer {
    /// The changes of a collection as a stream of lines.
    func watch(_ call: Call, _ access: Storage.Access) throws(Status) -> HTTPServerReply {
        let representation = try Representation(accept: call.request.headers["Accept"], isWatch: true)
        let parameters = try ListParameters(call.query, isWatch: true)
        let resource = access.resource
        var selection = try Selection(call.query, resource)
        if !access.name.isEmpty { selection.fields.requirements.append(.init("metadata.name", access.name)) }
        let shape = WatchShape(
            resource: resource, representation: representation,
            include: Table.Inclusion(rawValue: call.query["includeObject"] ?? "") ?? .metadata, clock: storage.clock)
        let watcher: Watcher
        do throws(Status) {
            watcher = try open(parameters, access, selection)
        } catch  where error.reason == .expired || error.reason == .gone {
            // A watch that can not begin is told so inside the stream, as clients expect it.
            let line = WatchFrame(error: error, at: .zero).line
            return APIServer.stream { writer in try await writer.write(line) }
        }
        // Counted while the stream runs; a reply whose body is never asked for must not stay counted.
        try inFlight.enter(.watch, isExempt: call.user.groups.contains("system:masters"))
        inFlight.leave(.watch)
        let inFlight = inFlight
        let seconds = min(max(parameters.timeoutSeconds ?? Limits.watchSeconds, 1), Limits.watchSecondsMax)
        let clock = storage.clock
        let wantsBookmarks = parameters.wantsBookmarks
        return APIServer.stream { writer in
            try inFlight.enter(.watch, isExempt: true)
            defer {
                watcher.cancel()
                inFlight.leave(.watch)
            }
            try await withThrowingTaskGroup(of: Bool.self) { group in
                group.addTask {
                    try await clock.sleep(for: .seconds(seconds))
                    return true
                }
                group.addTask {
                    // Clients resume after the end from what they have seen: the last bookmark comes before it.
                    try await clock.sleep(for: .milliseconds(max(seconds * 1000 - 2000, seconds * 500)))
                    if wantsBookmarks { watcher.bookmark() }
                    return false
                }
                group.addTask {
                    var isFirst = true
                    while let frames = await watcher.batch() {
                        for frame in frames {
                            try await writer.write(shape.line(frame, isFirst: isFirst))
                            isFirst = false
                        }
                    }
                    return true
                }
                while try await group.next() == false {}
                group.cancelAll()
                watcher.cancel()
            }
        }
    }

    private static func stream(_ body: @escaping @Sendable (BodyWriter) async throws -> Void) -> HTTPServerReply {
        .stream(
            status: 200, headers: ["Content-Type": "application/json", "Cache-Control": "no-cache, private"],
            body: body)
    }

    private func open(
        _ parameters: ListParameters, _ access: Storage.Access, _ selection: Selection
    ) throws(Status) -> Watcher {
        let resource = access.resource
        let namespace = access.namespace.isEmpty ? nil : access.namespace
        let bookmarks = parameters.wantsBookmarks ? resource.bookmark : nil
        let wanted = try parameters.revision()
        let matches: @Sendable (Projection, ObjectKey) -> Bool = { selection.matches($0, $1) }
        if parameters.sendsInitialEvents ?? (wanted == nil) {
            // A watcher that lists may ask for a state which is at least as new as one that it has seen.
            if let wanted, wanted > storage.store.head {
                throw Status.tooLarge(wanted, current: storage.store.head)
            }
            let (items, revision) = storage.store.list(resource.groupResource, namespace: namespace)
            let initial = items.filter { selection.matches($0.projection, $0.key) }
            return try storage.hub.watch(
                resource.groupResource, namespace: namespace, name: selection.name, after: revision, initial: initial,
                bookmarks: bookmarks, endsInitial: parameters.sendsInitialEvents == true, matches: matches)
        }
        return try storage.hub.watch(
            resource.groupResource, namespace: namespace, name: selection.name,
            after: wanted ?? storage.store.head, bookmarks: bookmarks, matches: matches)
    }
}

/// How the frames of one watch are written. The columns of a table stand in its first frame only.
private struct WatchShape: Sendable {
    let resource: Resource
    let representation: Representation
    let include: Table.Inclusion
    let clock: any WallClock

    /// A custom object may be stored in another version than the one that is watched.
    private var isStoredForm: Bool { representation == .object && !(resource.custom?.needsReading ?? false) }

    func line(_ frame: WatchFrame, isFirst: Bool) -> [UInt8] {
        guard !isStoredForm else { return frame.line }
        // Bookmarks have no stored object; they are shaped for this watcher alone.
        guard frame.stored != nil else { return shaped(frame, isFirst: isFirst) }
        let version = resource.custom.map { " \(resource.apiVersion) \($0.generation)" } ?? ""
        let variant = representation.variant(include.rawValue) + version + (isFirst ? "-first" : "")
        return frame.line(variant: variant) { shaped($0, isFirst: isFirst) }
    }

    private func shaped(_ frame: WatchFrame, isFirst: Bool) -> [UInt8] {
        guard var object = frame.json else { return frame.line }
        if let custom = resource.custom, frame.stored != nil {
            object = Storage.canonical(custom.read(object, apiVersion: resource.apiVersion), resource)
        }
        let result: JSON
        switch representation {
        case .object:
            guard resource.custom != nil else { return frame.line }
            result = object
        case .metadata(let version, _): result = Representation.partial(object, version: version)
        case .table(let version):
            let metadata: JSON = ["resourceVersion": object["metadata"]["resourceVersion"]]
            var table = Table.make(
                resource, [object], include: include, now: clock.now(), listMetadata: metadata)
            table["apiVersion"] = .string("meta.k8s.io/\(version)")
            if !isFirst { table["columnDefinitions"] = .null }
            result = table
        }
        return JSON.object(.init([("type", .string(frame.kind.rawValue)), ("object", result)])).encoded + [
            UInt8(ascii: "\n")
        ]
    }
}

extension Resource {
    /// An empty object of the resource, as bookmarks carry it.
    var bookmark: JSON {
        var object: JSON = ["kind": .string(kind), "apiVersion": .string(apiVersion)]
        for (key, value) in schemaType.flatMap({ Schema.type($0) })?.zero.members ?? JSON.Members() where !value.isNull
        {
            object[key] = value
        }
        if object["metadata"].isNull { object["metadata"] = ["creationTimestamp": nil] }
        return object
    }
}

extension Limits {
    /// How long a watch lasts at most when its client wants it longer, in seconds.
    static let watchSecondsMax = 24 * 3600
}
