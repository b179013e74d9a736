import Shared

/// Which names a definition gets and whether it may be served. Pure.
/// Source: apiextensions `controller/status/naming_controller.go`, `controller/establish`.
struct CustomNamesPlan: Equatable, Sendable {
    let acceptedNames: JSON
    let conditions: [Condition]

    /// - Parameter others: the other definitions of the same group.
    static func make(_ definition: JSON, others: [JSON], now: Timestamp) -> CustomNamesPlan {
        let requested = definition["spec"]["names"]
        let accepted = definition["status"]["acceptedNames"]
        var taken: Set<String> = []
        var takenKinds: Set<String> = []
        for other in others {
            let names = other["status"]["acceptedNames"]
            taken.formUnion([names["plural"], names["singular"]].compactMap(\.string))
            taken.formUnion(names["shortNames"].items.compactMap(\.string))
            takenKinds.formUnion([names["kind"], names["listKind"]].compactMap(\.string))
        }
        var names = accepted
        var conflict: (reason: String, message: String)?
        func check(_ key: String, _ taken: Set<String>, _ reason: String) {
            guard let wanted = requested[key].string else { return }
            if wanted != accepted[key].string, !wanted.isEmpty, taken.contains(wanted) {
                conflict = (reason, "\(wanted.goQuoted) is already in use")
            } else {
                names[key] = .string(wanted)
            }
        }
        check("plural", taken, "PluralConflict")
        check("singular", taken, "SingularConflict")
        let shortNames = requested["shortNames"].items.compactMap(\.string)
        let own = accepted["shortNames"].items.compactMap(\.string)
        let refused = shortNames.filter { !own.contains($0) && taken.contains($0) }
        if refused.isEmpty {
            names.set("shortNames", shortNames.isEmpty ? nil : JSON(shortNames))
        } else {
            let texts = refused.map { "\($0.goQuoted) is already in use" }
            conflict = ("ShortNamesConflict", texts.count == 1 ? texts[0] : "[" + texts.joined(separator: ", ") + "]")
        }
        check("kind", takenKinds, "KindConflict")
        check("listKind", takenKinds, "ListKindConflict")
        let categories = requested["categories"].items
        names.set("categories", categories.isEmpty ? nil : .array(categories))

        let known = definition["status"]["conditions"].items.map { Condition($0) }
        var conditions = known
        func set(_ type: String, _ isTrue: Bool, _ reason: String, _ message: String) {
            var condition = Condition(type, isTrue, reason: reason, message: message, since: now)
            guard let index = conditions.firstIndex(where: { $0.type == type }) else {
                conditions.append(condition)
                return
            }
            let before = conditions[index]
            if before.status == condition.status { condition.lastTransitionTime = before.lastTransitionTime }
            conditions[index] = condition
        }
        if let conflict {
            set("NamesAccepted", false, conflict.reason, conflict.message)
            if known.first("Established") == nil {
                set("Established", false, "NotAccepted", "not all names are accepted")
            }
        } else {
            set("NamesAccepted", true, "NoConflicts", "no conflicts found")
            if !(known.first("Established")?.isTrue ?? false) {
                set("Established", true, "InitialNamesAccepted", "the initial names have been accepted")
            }
        }
        return CustomNamesPlan(acceptedNames: names, conditions: conditions)
    }
}
