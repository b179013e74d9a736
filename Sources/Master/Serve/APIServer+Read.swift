import Shared

extension APIServer {
    func get(_ call: Call, _ access: Storage.Access) throws(Status) -> HTTPServerReply {
        let representation = try Representation(accept: call.request.headers["Accept"])
        let wanted = try ListParameters(["resourceVersion": call.query["resourceVersion"] ?? ""], isWatch: false)
            .revision()
        if let wanted, wanted > storage.store.head { throw Status.tooLarge(wanted, current: storage.store.head) }
        return try render(try storage.get(access), 200, representation, call, access)
    }

    /// One object in the wished shape.
    func render(
        _ stored: Stored, _ status: Int, _ representation: Representation, _ call: Call, _ access: Storage.Access,
        warnings: [String] = []
    ) throws(Status) -> HTTPServerReply {
        try representation.check(isList: false, access.resource)
        switch representation {
        case .object: return Answer.bytes(status, [stored.bytes], warnings: warnings)
        case .metadata(let version, _):
            return Answer.json(status, Representation.partial(try stored.json(), version: version), warnings: warnings)
        case .table(let version):
            let object = try stored.json()
            let metadata: JSON = ["resourceVersion": object["metadata"]["resourceVersion"]]
            var table = Table.make(
                access.resource, [object], include: try include(call), now: storage.clock.now(),
                listMetadata: metadata)
            table["apiVersion"] = .string("meta.k8s.io/\(version)")
            return Answer.json(status, table, warnings: warnings)
        }
    }

    private func include(_ call: Call) throws(Status) -> Table.Inclusion {
        let text = call.query["includeObject"] ?? ""
        guard !text.isEmpty else { return .metadata }
        guard let known = Table.Inclusion(rawValue: text) else {
            throw Status(
                .badRequest,
                "Unable to convert to Table as requested: includeObject: Invalid value: \(text.goQuoted): must be 'Metadata', 'Object', 'None', or empty"
            )
        }
        return known
    }

    func list(_ call: Call, _ access: Storage.Access) async throws(Status) -> HTTPServerReply {
        let representation = try Representation(accept: call.request.headers["Accept"])
        let resource = access.resource
        try representation.check(isList: true, resource)
        let parameters = try ListParameters(call.query, isWatch: false)
        let listing = try await storage.list(access, try Selection(call.query, resource), parameters).read(resource)
        var metadata: JSON = ["resourceVersion": .string(listing.revision.description)]
        // Lists of custom objects are encoded without a type that could leave it out.
        if !listing.next.isEmpty || resource.custom != nil { metadata["continue"] = .string(listing.next) }
        if let remaining = listing.remaining { metadata["remainingItemCount"] = JSON(remaining) }
        switch representation {
        case .object: return Answer.bytes(200, APIServer.pieces(of: listing, resource, metadata))
        case .table(let version):
            var objects: [JSON] = []
            objects.reserveCapacity(listing.items.count)
            for item in listing.items { objects.append(try item.json()) }
            var table = Table.make(
                resource, objects, include: try include(call), now: storage.clock.now(), listMetadata: metadata)
            table["apiVersion"] = .string("meta.k8s.io/\(version)")
            return Answer.json(200, table)
        case .metadata(let version, _):
            var items: [JSON] = []
            for item in listing.items { items.append(Representation.partial(try item.json(), version: version)) }
            return Answer.json(
                200,
                [
                    "kind": "PartialObjectMetadataList", "apiVersion": .string("meta.k8s.io/\(version)"),
                    // A real server writes null for none here.
                    "metadata": metadata, "items": items.isEmpty ? .null : .array(items),
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
}
