import Shared

/// One page of a collection.
struct Listing: Sendable {
    let items: [Stored]
    let revision: Revision
    /// Token of the next page; empty when this is the last.
    var next = ""
    /// Objects after this page, when that is known.
    var remaining: Int?

    /// The page as a custom resource's version shows it.
    func read(_ resource: Resource) throws(Status) -> Listing {
        guard let custom = resource.custom, custom.needsReading else { return self }
        var read: [Stored] = []
        read.reserveCapacity(items.count)
        for item in items { read.append(try custom.read(item, resource)) }
        return Listing(items: read, revision: revision, next: next, remaining: remaining)
    }
}

extension Storage {
    /// Lists a collection: the latest state, or a past one, page by page.
    ///
    /// Pages of one list all show the revision of the first. A list whose revision is no longer kept is told so with a
    /// token that goes on with the latest state.
    /// - Throws: 400 for a token that is none, 410 when the revision is no longer kept.
    func list(_ access: Access, _ selection: Selection, _ parameters: ListParameters) async throws(Status) -> Listing {
        let limit = parameters.limit
        let namespace = access.namespace.isEmpty ? nil : access.namespace
        let resource = access.resource.groupResource
        if !parameters.next.isEmpty {
            let token = try ContinueToken(parameters.next)
            return try await proceed(token, resource, namespace, selection, limit)
        }
        let wanted = try parameters.revision()
        if let wanted, parameters.match == .exact || parameters.match == nil && limit > 0 {
            let items = try await items(resource, namespace, at: wanted)
            return page(items.filter { selection.matches($0.projection, $0.key) }, wanted, limit, selection)
        }
        if let wanted, wanted > store.head { throw Status.tooLarge(wanted, current: store.head) }
        let (items, revision) = store.list(resource, namespace: namespace)
        let matching = selection.isEverything ? items : items.filter { selection.matches($0.projection, $0.key) }
        // A list from the watch cache, as resourceVersion=0 asks for, knows no pages.
        return page(matching, revision, parameters.resourceVersion == "0" ? 0 : limit, selection)
    }

    /// The page after a token; without a revision the token means the latest state.
    private func proceed(
        _ token: ContinueToken, _ resource: GroupResource, _ namespace: String?, _ selection: Selection, _ limit: Int
    ) async throws(Status) -> Listing {
        let revision: Revision
        let items: [Stored]
        if let kept = token.revision {
            do throws(Status) {
                items = try await self.items(resource, namespace, at: kept)
            } catch  where error.reason == .expired {
                var status = Status(.expired, Storage.oldTokenText)
                status.next = ContinueToken(revision: nil, start: token.start).text
                throw status
            }
            revision = kept
        } else {
            (items, revision) = store.list(resource, namespace: namespace)
        }
        let rest = items.drop { !token.isReached(by: $0.key) }
        return page(rest.filter { selection.matches($0.projection, $0.key) }, revision, limit, selection)
    }

    private static let oldTokenText =
        "The provided continue parameter is too old to display a consistent list result. You can start a new list without the "
        + "continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
        + "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or "
        + "deleted between the time the first chunk was returned and now may show up in the list."

    /// The state at `revision`; from memory when nothing has changed since.
    private func items(_ resource: GroupResource, _ namespace: String?, at revision: Revision) async throws(Status)
        -> [Stored]
    {
        if store.lastChange(of: resource).map({ $0 <= revision }) ?? false, revision <= store.head {
            return store.list(resource, namespace: namespace).items
        }
        return try await store.list(resource, namespace: namespace, at: revision)
    }

    private func page(
        _ items: [Stored], _ revision: Revision, _ limit: Int, _ selection: Selection
    ) -> Listing {
        guard limit > 0, items.count > limit, let last = items.prefix(limit).last else {
            return Listing(items: items, revision: revision)
        }
        let token = ContinueToken(revision: revision, after: last.key)
        return Listing(
            items: Array(items.prefix(limit)), revision: revision, next: token.text,
            remaining: selection.isEverything ? items.count - limit : nil)
    }
}

/// Where the next page of a list begins. Opaque to clients; the form is Kubernetes's own, so that a token of either
/// says the same. Source: apiserver `storage/continue.go`.
struct ContinueToken: Equatable {
    /// Nil for the latest state.
    let revision: Revision?
    /// `namespace/name` (or `name`) of the first object that is wanted; a zero byte at its end means the one after.
    let start: String

    init(revision: Revision?, start: String) {
        self.revision = revision
        self.start = start
    }
    init(revision: Revision?, after key: ObjectKey) {
        self.init(revision: revision, start: ContinueToken.place(key) + "\0")
    }

    /// - Throws: 400 for a text that is no token.
    init(_ text: String) throws(Status) {
        func fail(_ why: String) -> Status {
            Status(.badRequest, "invalid continue token: continue key is not valid: \(why)")
        }
        // Bits that are left over at the end do not count, as in Go.
        let missing = (4 - text.utf8.count % 4) % 4
        guard missing < 3,
            let bytes = Base64.decodeURL(text + String(repeating: "A", count: missing))?.dropLast(missing)
        else { throw fail("illegal base64 data") }
        let json: JSON
        do throws(JSONError) {
            json = try JSON(parsing: Array(bytes))
        } catch {
            throw fail(ContinueToken.complaint(Array(bytes), error))
        }
        let version = json["v"].string ?? ""
        guard version == "meta.k8s.io/v1" else {
            throw fail("server does not recognize this encoded version \(version.goQuoted)")
        }
        guard let number = json["rv"].int, number != 0 else {
            throw fail("incorrect encoded start resourceVersion (version meta.k8s.io/v1)")
        }
        let start = json["start"].string ?? ""
        guard !start.isEmpty else { throw fail("encoded start key empty (version meta.k8s.io/v1)") }
        let parts = start.split(separator: "/", omittingEmptySubsequences: false)
        guard !parts.contains(where: { $0 == "." || $0 == ".." || $0.isEmpty }), parts.count <= 2 else {
            throw fail(start)
        }
        self.init(revision: number < 0 ? nil : Revision(Int64(number)), start: start)
    }

    /// What Go's decoder says of bytes that are not JSON.
    private static func complaint(_ bytes: [UInt8], _ error: JSONError) -> String {
        guard let first = bytes.first else { return "unexpected end of JSON input" }
        guard first != UInt8(ascii: "{"), first != UInt8(ascii: "[") else { return "\(error)" }
        let digits = String(first, radix: 16)
        let shown =
            (0x20...0x7E).contains(first)
            ? String(Character(Unicode.Scalar(first))) : "\\u00" + (digits.count < 2 ? "0" : "") + digits
        return "invalid character '\(shown)' looking for beginning of value"
    }

    var text: String {
        let json: JSON = [
            "v": "meta.k8s.io/v1", "rv": .int(revision?.number ?? -1), "start": .string(start),
        ]
        return Base64.encodeURL(json.encoded)
    }

    private static func place(_ key: ObjectKey) -> String {
        key.namespace.isEmpty ? key.name : "\(key.namespace)/\(key.name)"
    }

    /// Whether an object comes at or after this place. In a list of one namespace the place may be the name alone.
    func isReached(by key: ObjectKey) -> Bool {
        let isAfter = start.hasSuffix("\0")
        let parts = (isAfter ? start.dropLast() : start[...]).split(separator: "/").map(String.init)
        let place = parts.count == 2 ? (parts[0], parts[1]) : (key.namespace, parts.first ?? "")
        return isAfter ? (key.namespace, key.name) > place : (key.namespace, key.name) >= place
    }
}
