import Shared

/// What takes back a group of changes, as a plan that is shown before it is done. Pure: entries and the objects as they are
/// now come in.
enum UndoPlan {
    /// The object before the first and after the last change of each path, the last touched first.
    static func paths(_ entries: [Ledger.Entry]) -> [(path: String, before: JSON?, after: JSON?)] {
        var order: [String] = []
        var found: [String: (JSON?, JSON?)] = [:]
        for entry in entries {
            if let known = found[entry.path] {
                found[entry.path] = (known.0, entry.after)
            } else {
                order.append(entry.path)
                found[entry.path] = (entry.before, entry.after)
            }
        }
        return order.reversed().map { ($0, found[$0]?.0, found[$0]?.1) }
    }

    static func change(_ path: String, before: JSON?, after: JSON?, live: JSON?) -> Plan.Change {
        let object = Object(before ?? after ?? live ?? [:])
        let subject = "\(object.kind.lowercased()) \(object.name)"
        func refused(_ why: String) -> Plan.Change {
            Plan.Change(verb: .refused, subject: subject, lines: [DiffLine(kind: .removed, text: why)], call: nil)
        }
        func same() -> Plan.Change { Plan.Change(verb: .same, subject: subject, lines: [], call: nil) }
        if object.kind == "Secret" { return refused("values of secrets are not kept, so it can not be brought back") }
        switch (before, after) {
        case (nil, nil): return refused("the change was too large to be kept")
        case (nil, .some):
            guard let live else { return same() }
            return Plan.Change(
                verb: .delete, subject: subject,
                lines: YAMLText.lines(TextDiff.comparable(live)).map { DiffLine(kind: .removed, text: $0.text) },
                call: Action.Call(
                    method: "DELETE", path: path,
                    body: [
                        "kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background",
                        "preconditions": ["uid": live.at("metadata", "uid")],
                    ]))
        case (.some(let before), nil):
            if let live {
                let uid = Object(before).metadata.uid
                if Object(live).metadata.uid != uid { return refused("another one of that name is there now") }
                return refused("it is still being deleted; try again when it is gone")
            }
            if let why = irreversible(before) { return refused(why) }
            let body = recreated(before)
            return Plan.Change(
                verb: .create, subject: subject, lines: TextDiff.between(nil, body),
                call: Action.Call(method: "POST", path: ObjectPath(target: path)?.collection ?? path, body: body)
            )
        case (.some(let before), .some(let after)):
            guard let live else { return refused("it is gone meanwhile") }
            var conflicts: [String] = []
            let body = reverted(TextDiff.comparable(before), TextDiff.comparable(after), live, "", &conflicts)
            if let field = conflicts.first {
                return refused("field \(field) was changed again since; change it by hand")
            }
            let lines = TextDiff.between(live, body)
            if lines.isEmpty { return same() }
            return Plan.Change(
                verb: .change, subject: subject, lines: lines,
                call: Action.Call(method: "PUT", path: path, body: body))
        }
    }

    /// Why a deleted object can not be made again.
    private static func irreversible(_ json: JSON) -> String? {
        let object = Object(json)
        switch object.kind {
        case "Namespace": return "what was in the namespace is gone; only an empty one could be made"
        case "PersistentVolumeClaim", "PersistentVolume": return "its data may be gone; make a new claim instead"
        case "Node": return "a node joins by itself when its agent runs"
        case "Pod" where object.metadata.controller != nil:
            return "its \(object.metadata.controller?.kind ?? "owner") has made a new one"
        default: return nil
        }
    }

    /// The object as it can be made again: without what the server gave it, and without owners, which may be gone.
    static func recreated(_ json: JSON) -> JSON {
        var body = json
        body.remove("status")
        for field in [
            "uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "selfLink",
            "deletionTimestamp",
            "deletionGracePeriodSeconds", "ownerReferences",
        ] { body["metadata"].remove(field) }
        switch Object(json).kind {
        case "Pod": body["spec"].remove("nodeName")
        case "Job" where json.at("spec", "manualSelector").bool != true:
            body["spec"].remove("selector")
            for label in ["controller-uid", "batch.kubernetes.io/controller-uid"] {
                body["spec"]["template"]["metadata"]["labels"].remove(label)
                body["metadata"]["labels"].remove(label)
            }
        default: break
        }
        return body
    }

    /// The live object with the fields that the change touched as they were; what others changed since stays.
    private static func reverted(
        _ before: JSON, _ after: JSON, _ live: JSON, _ field: String, _ conflicts: inout [String]
    ) -> JSON {
        if before == after { return live }
        if before.object != nil, after.object != nil, live.object != nil {
            var result = live
            for key in Set(before.members.keys + after.members.keys).sorted() where before[key] != after[key] {
                let path = field.isEmpty ? key : "\(field).\(key)"
                let value = reverted(before[key], after[key], live[key], path, &conflicts)
                if value.isNull { result.remove(key) } else { result[key] = value }
            }
            return result
        }
        if live != after { conflicts.append(field) }
        return before
    }
}
