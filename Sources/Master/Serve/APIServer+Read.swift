import Shared

extension APIServer {
    func get(_ call: Call, _ access: Storage.Access) throws(Status) -> HTTPServerReply {
        let representation = try Representation(accept: call.request.headers["Accept"])
        return try render(try storage.get(access), 200, representation, call, access)
    }

    /// One object in the wished shape.
    func render(
        _ stored: Stored, _ status: Int, _ representation: Representation, _ call: Call, _ access: Storage.Access,
        warnings: [String] = []
    ) throws(Status) -> HTTPServerReply {
        switch representation {
        case .object: return Answer.bytes(status, [stored.bytes], warnings: warnings)
        case .metadata(let version):
            return Answer.json(status, Representation.partial(try stored.json(), version: version), warnings: warnings)
        case .table:
            let object = try stored.json()
            let metadata: JSON = ["resourceVersion": object["metadata"]["resourceVersion"]]
            let table = Table.make(
                access.resource, [object], include: include(call), now: storage.clock.now(), listMetadata: metadata)
            return Answer.json(status, table, warnings: warnings)
        }
    }

    private func include(_ call: Call) -> Table.Inclusion {
        Table.Inclusion(rawValue: call.query["includeObject"] ?? "") ?? .metadata
    }

    func list(_ call: Call, _ access: Storage.Access) async throws(Status) -> HTTPServerReply {
        let representation = try Representation(accept: call.request.headers["Accept"])
        let resource = access.resource
        let listing = try await storage.list(access, try Selection(call.query, resource), call.query).read(resource)
        var metadata: JSON = ["resourceVersion": .string(listing.revision.description)]
        // Lists of custom objects are encoded without a type that could leave it out.
        if !listing.next.isEmpty || resource.custom != nil { metadata["continue"] = .string(listing.next) }
        if let remaining = listing.remaining { metadata["remainingItemCount"] = JSON(remaining) }
        switch representation {
        case .object: return Answer.bytes(200, APIServer.pieces(of: listing, resource, metadata))
        case .table:
            var objects: [JSON] = []
            objects.reserveCapacity(listing.items.count)
            for item in listing.items { objects.append(try item.json()) }
            return Answer.json(
                200,
                Table.make(
                    resource, objects, include: include(call), now: storage.clock.now(), listMetadata: metadata))
        case .metadata(let version):
            var items: [JSON] = []
            for item in listing.items { items.append(Representation.partial(try item.json(), version: version)) }
            return Answer.json(
                200,
                [
                    "kind": "PartialObjectMetadataList", "apiVersion": .string("meta.k8s.io/\(version)"),
                    "metadata": metadata, "items": .array(items),
                ])
        }
    }

    /// The list as pieces that are written as they are: the stored bytes, with only the frame around them made anew.
    /// Items of a list carry no type of their own, so the head of each is left out.
    private static func pieces(of listing: Listing, _ resource: Resource, _ metadata: JSON) -> [[UInt8]] {
        let head =
            "{\"kind\":\"\(resource.listKind)\",\"apiVersion\":\"\(resource.apiVersion)\",\"metadata\":\(metadata.text),\"items\":["
        let type = Array("{\"kind\":\"\(resource.kind)\",\"apiVersion\":\"\(resource.apiVersion)\",".utf8)
        var block = Array(head.utf8)
        var pieces: [[UInt8]] = []
        var isFirst = true
        for item in listing.items {
            if !isFirst { block.append(UInt8(ascii: ",")) }
            isFirst = false
            // Custom objects name their type in lists too.
            if resource.custom == nil, item.bytes.starts(with: type) {
                block.append(UInt8(ascii: "{"))
                block.append(contentsOf: item.bytes[type.count...])
            } else {
                block.append(contentsOf: item.bytes)
            }
            if block.count >= Limits.listPieceBytes {
                pieces.append(block)
                block = []
                block.reserveCapacity(Limits.listPieceBytes + 16_384)
            }
        }
        block.append(contentsOf: "]}".utf8)
        pieces.append(block)
        return pieces
    }

    /// The changes of a collection as a stream of lines.
    func watch(_ call: Call, _ access: Storage.Access) throws(Status) -> HTTPServerReply {
        let representation = try Representation(accept: call.request.headers["Accept"])
        let resource = access.resource
        var selection = try Selection(call.query, resource)
        if !access.name.isEmpty { selection.fields.requirements.append(.init("metadata.name", access.name)) }
        let watcher = try open(call, access, selection)
        let include = include(call)
        let seconds = call.query["timeoutSeconds"].flatMap { Int($0) } ?? Limits.watchSeconds
        let clock = storage.clock
        let makeTable: @Sendable (WatchFrame) -> [UInt8] = { frame in
            APIServer.line(frame, resource, representation, include, now: clock.now())
        }
        // A custom object may be stored in another version than the one that is watched.
        let isStoredForm = representation == .object && !(resource.custom?.needsReading ?? false)
        let version = resource.custom.map { " \(resource.apiVersion) \($0.generation)" } ?? ""
        let variant = representation.variant(include.rawValue) + version
        return .stream(
            status: 200, headers: ["Content-Type": "application/json", "Cache-Control": "no-cache, private"]
        ) { writer in
            defer { watcher.cancel() }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await clock.sleep(for: .seconds(seconds)) }
                group.addTask {
                    while let frames = await watcher.batch() {
                        for frame in frames {
                            let line = isStoredForm ? frame.line : frame.line(variant: variant, make: makeTable)
                            try await writer.write(line)
                        }
                    }
                }
                try await group.next()
                group.cancelAll()
                watcher.cancel()
            }
        }
    }

    private func open(_ call: Call, _ access: Storage.Access, _ selection: Selection) throws(Status) -> Watcher {
        let resource = access.resource
        let namespace = access.namespace.isEmpty ? nil : access.namespace
        let bookmarks = call.query.bool("allowWatchBookmarks") ? resource.type : nil
        let text = call.query["resourceVersion"] ?? ""
        let sendsInitial =
            call.query["sendInitialEvents"].map { ["true", "1"].contains($0) } ?? (text.isEmpty || text == "0")
        let matches: @Sendable (Projection, ObjectKey) -> Bool = { selection.matches($0, $1) }
        if sendsInitial {
            let (items, revision) = storage.store.list(resource.groupResource, namespace: namespace)
            let initial = items.filter { selection.matches($0.projection, $0.key) }
            let ends = call.query["sendInitialEvents"] != nil
            return try storage.hub.watch(
                resource.groupResource, namespace: namespace, name: selection.name, after: revision, initial: initial,
                bookmarks: ends ? bookmarks : nil, matches: matches)
        }
        guard let revision = text.isEmpty || text == "0" ? storage.store.head : Revision(text) else {
            throw Status(
                .badRequest,
                "Invalid value: \"\(text)\": resourceVersion must be a number that a list or an object showed")
        }
        return try storage.hub.watch(
            resource.groupResource, namespace: namespace, name: selection.name, after: revision, bookmarks: bookmarks,
            matches: matches)
    }

    /// A frame in another shape than the stored one.
    private static func line(
        _ frame: WatchFrame, _ resource: Resource, _ representation: Representation, _ include: Table.Inclusion,
        now: Timestamp
    ) -> [UInt8] {
        guard let stored = frame.stored, var object = try? stored.json() else { return frame.line }
        if let custom = resource.custom {
            object = Storage.canonical(custom.read(object, apiVersion: resource.apiVersion), resource)
        }
        let shaped: JSON
        switch representation {
        case .object:
            guard resource.custom != nil else { return frame.line }
            shaped = object
        case .metadata(let version): shaped = Representation.partial(object, version: version)
        case .table:
            let metadata: JSON = ["resourceVersion": object["metadata"]["resourceVersion"]]
            shaped = Table.make(resource, [object], include: include, now: now, listMetadata: metadata)
        }
        return JSON.object(.init([("type", .string(frame.kind.rawValue)), ("object", shaped)])).encoded + [
            UInt8(ascii: "\n")
        ]
    }
}
