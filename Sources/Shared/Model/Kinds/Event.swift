/// `core/v1 Event`.
package struct Event: Kind {
    package static let type = KindType(group: "", version: "v1", kind: "Event", plural: "events")
    package var json: JSON
    package init(_ json: JSON) { self.json = json }
}
