/// Makes a JSON value of one document's events.
struct YAMLComposer {
    private let parser: YAMLParser
    private let number: Int
    private var index = 1
    private var anchors: [String: Node] = [:]
    private var aliasBytes = 0

    /// A finished value, where it stands, and how many bytes it takes about.
    private struct Node {
        var value: JSON
        var place: YAMLPlace
        var size: Int
    }

    /// - Parameter parser: after `nextDocument`.
    init(parser: YAMLParser, number: Int) {
        self.parser = parser
        self.number = number
    }

    mutating func document() throws(YAMLError) -> YAMLDocument {
        let first = parser.events[1]
        let node = try node()
        let isEmpty = first.kind == .scalar(.plain) && first.text.isEmpty && first.properties.isEmpty
        return YAMLDocument(
            value: node.value, line: parser.place(first.offset).line, number: number, isEmpty: isEmpty,
            places: node.place)
    }

    private mutating func node() throws(YAMLError) -> Node {
        let event = parser.events[index]
        index += 1
        let place = YAMLPlace(line: Int32(clamping: parser.place(event.offset).line))
        var node: Node
        switch event.kind {
        case .alias: return try alias(event, at: place)
        case .scalar(let style):
            let value = try scalar(event, style)
            node = Node(value: value, place: place, size: 16 + event.text.utf8.count)
        case .sequenceStart: node = try sequence(event, at: place)
        case .mappingStart: node = try mapping(event, at: place)
        default: throw parser.fail("a value is missing", at: event.offset)
        }
        if let anchor = event.properties.anchor { anchors[anchor] = node }
        return node
    }

    private mutating func alias(_ event: YAMLEvent, at place: YAMLPlace) throws(YAMLError) -> Node {
        guard var node = anchors[event.text] else {
            throw parser.fail("no anchor '&\(event.text)' stands above this alias", at: event.offset)
        }
        let (sum, overflow) = aliasBytes.addingReportingOverflow(node.size)
        guard !overflow, sum <= Limits.yamlAliasBytesMax else {
            throw parser.fail("the aliases make this document too large; write the values out", at: event.offset)
        }
        aliasBytes = sum
        node.place.line = place.line
        return node
    }

    private mutating func sequence(_ event: YAMLEvent, at place: YAMLPlace) throws(YAMLError) -> Node {
        var items: [JSON] = []
        var node = Node(value: .null, place: place, size: 16)
        while parser.events[index].kind != .sequenceEnd {
            let item = try self.node()
            items.append(item.value)
            node.place.children.append(item.place)
            node.size += item.size
        }
        index += 1
        switch event.properties.tag {
        case nil, "!", YAML.coreTag + "seq", YAML.coreTag + "omap", YAML.coreTag + "pairs": break
        case YAML.coreTag + "set": throw parser.fail("a '!!set' must be a mapping", at: event.offset)
        default: try refuseCoreTag(event)
        }
        node.value = .array(items)
        return node
    }

    private mutating func mapping(_ event: YAMLEvent, at place: YAMLPlace) throws(YAMLError) -> Node {
        var members = JSON.Members()
        var node = Node(value: .null, place: place, size: 16)
        var seen: Set<String> = []
        var merged: [Node] = []
        var hasMerge = false
        while parser.events[index].kind != .mappingEnd {
            let keyEvent = parser.events[index]
            if keyEvent.kind == .scalar(.plain), keyEvent.text == "<<",
                keyEvent.properties.tag.map({ $0 == YAML.coreTag + "merge" }) ?? true
            {
                if hasMerge { throw parser.fail("the key '<<' was written twice", at: keyEvent.offset) }
                hasMerge = true
                index += 1
                merged = try mergeSources(at: keyEvent.offset)
                continue
            }
            let key = try self.key()
            guard seen.insert(key).inserted else {
                throw parser.fail(
                    "the key '\(shortened(key))' was written twice; remove one of the two", at: keyEvent.offset)
            }
            var value = try self.node()
            value.place.line = Int32(clamping: parser.place(keyEvent.offset).line)
            members.append(key, value.value)
            node.place.children.append(value.place)
            node.size += value.size + key.utf8.count
        }
        index += 1
        for source in merged {
            let sourceMembers = source.value.members
            for position in sourceMembers.indices where seen.insert(sourceMembers[position].key).inserted {
                members.append(sourceMembers[position].key, sourceMembers[position].value)
                node.place.children.append(source.place.children[position])
            }
            node.size += source.size
        }
        switch event.properties.tag {
        case nil, "!", YAML.coreTag + "map", YAML.coreTag + "set": break
        default: try refuseCoreTag(event)
        }
        node.value = .object(members)
        return node
    }

    /// The mappings that `<<` names: earlier ones win. Source: yaml.org/type/merge.
    private mutating func mergeSources(at offset: Int) throws(YAMLError) -> [Node] {
        let node = try self.node()
        switch node.value {
        case .object: return [node]
        case .array(let items):
            var sources: [Node] = []
            for (position, item) in items.enumerated() {
                guard item.object != nil, node.place.children.indices.contains(position) else { break }
                sources.append(Node(value: item, place: node.place.children[position], size: 0))
            }
            if sources.count == items.count { return sources }
        default: break
        }
        throw parser.fail("'<<' needs a mapping or a list of mappings, such as '*name'", at: offset)
    }

    /// JSON has text keys only; numbers and booleans become text as they are written in JSON.
    private mutating func key() throws(YAMLError) -> String {
        let event = parser.events[index]
        switch try node().value {
        case .string(let text): return text
        case .int(let value): return String(value)
        case .double: return event.text
        case .bool(let value): return value ? "true" : "false"
        case .null: return event.text.isEmpty || event.kind == .alias ? "null" : event.text
        case .array, .object: throw parser.fail("a list or a mapping can not be a key here", at: event.offset)
        }
    }

    private func scalar(_ event: YAMLEvent, _ style: YAMLEvent.Style) throws(YAMLError) -> JSON {
        let text = event.text
        guard let tag = event.properties.tag else { return style == .plain ? YAML.resolve(text) : .string(text) }
        guard tag.hasPrefix(YAML.coreTag) else { return .string(text) }
        let value = YAML.resolve(text)
        switch (tag.dropFirst(YAML.coreTag.count), value) {
        case ("str", _), ("timestamp", _), ("binary", _): return .string(text)
        case ("null", .null), ("bool", .bool), ("int", .int), ("float", .double): return value
        case ("float", .int(let whole)): return .double(Double(whole))
        case ("float", .string) where YAML.isSpecialFloat(text): return value
        case ("null", _), ("bool", _), ("int", _), ("float", _):
            throw parser.fail("'\(shortened(text))' is not what its tag says", at: event.offset)
        case ("seq", _), ("map", _), ("set", _), ("omap", _), ("pairs", _):
            throw parser.fail("the tag needs a list or a mapping", at: event.offset)
        default: return .string(text)
        }
    }

    private func refuseCoreTag(_ event: YAMLEvent) throws(YAMLError) {
        let scalars = ["str", "int", "bool", "float", "null", "binary", "timestamp", "map", "seq"]
        guard let tag = event.properties.tag, scalars.contains(where: { tag == YAML.coreTag + $0 }) else { return }
        throw parser.fail("the tag does not fit this value", at: event.offset)
    }

    private func shortened(_ text: String) -> String { text.count > 60 ? text.prefix(60) + "…" : text }
}
