import Shared

/// A patch as a request carries it.
struct PatchBody: Sendable {
    let format: Client.PatchFormat
    let json: JSON
    /// Applies although others own the fields; for server-side apply only.
    var isForced = false

    init(_ format: Client.PatchFormat, _ json: JSON, isForced: Bool = false) {
        self.format = format
        self.json = json
        self.isForced = isForced
    }

    /// The object with the patch in it.
    func applied(to old: JSON, _ schema: any PatchSchema) throws(Status) -> JSON {
        switch format {
        case .json: try JSONPatch.apply(json, to: old)
        case .merge, .apply: MergePatch.apply(json, to: old)
        case .strategic: try StrategicMergePatch.apply(json, to: old, schema: schema)
        }
    }

    /// 422: the patched object can not be read as what it was.
    /// - Parameters: the object after the patch and before it, which the answer shows.
    func refusal(_ patched: JSON, over old: JSON, why: String) -> Status {
        let text = format == .strategic ? StrategicMergePatch.goText(json) : PatchBody.shown(patched, over: old).text
        let error = FieldError(reason: .invalid, field: "patch", value: text.goQuoted, detail: why)
        return FieldError.status([error], group: "", kind: "", name: "")
    }

    /// The object as the patch library writes it: objects that it has opened have sorted members, others are as before.
    private static func shown(_ patched: JSON, over old: JSON) -> JSON {
        guard case .object(let members) = patched, patched != old else { return patched }
        var result = JSON.Members()
        for (key, value) in members.sorted() { result.append(key, shown(value, over: old[key])) }
        return .object(result)
    }
}
