/// What the parser says about a document, in the order of the text.
struct YAMLEvent {
    enum Kind: Equatable {
        case documentStart(explicit: Bool)
        case documentEnd(explicit: Bool)
        case mappingStart(flow: Bool)
        case mappingEnd
        case sequenceStart(flow: Bool)
        case sequenceEnd
        case scalar(Style)
        case alias
    }
    enum Style: Equatable { case plain, singleQuoted, doubleQuoted, literal, folded }

    var kind: Kind
    /// The text of a scalar, the name of an alias.
    var text = ""
    var properties = YAMLProperties()
    /// Byte offset of the place.
    var offset: Int
}

/// What stands before a node: `&anchor` and `!tag`.
struct YAMLProperties {
    var anchor: String?
    /// The resolved tag such as `tag:yaml.org,2002:str`; `!` for the non-specific one.
    var tag: String?
    var isEmpty: Bool { anchor == nil && tag == nil }
}
