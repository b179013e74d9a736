import Shared

/// One method of one path of the API, as both OpenAPI documents describe it. Names follow Kubernetes's, by which client
/// generators and kubectl find their way.
struct OpenAPIOperation: Sendable {
    let path: String
    /// `get`, `put`, `post`, `delete`, `patch`, `head`, `options`.
    let method: String
    /// `readCoreV1NamespacedPod`.
    let id: String
    /// `get list post put patch delete deletecollection watch watchlist connect`.
    let action: String
    let kind: GroupVersionKind
    /// `core_v1`.
    let tag: String
    let isNamespaced: Bool
    /// The type of the body; nil when there is none or it is a patch.
    var body: String?
    /// The type of the answer; nil for a stream.
    var answer: String?

    var isPatch: Bool { action == "patch" }
    var isWrite: Bool { ["post", "put", "patch", "delete", "deletecollection"].contains(action) }

    /// Media types of the body.
    var consumes: [String] {
        isPatch
            ? [
                "application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json",
                "application/apply-patch+yaml",
            ] : ["*/*"]
    }
    /// Media types of the answer.
    var produces: [String] {
        if action == "connect" { return ["*/*"] }
        let plain = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"]
        guard ["list", "watch", "watchlist"].contains(action) else { return plain }
        return plain + ["application/json;stream=watch", "application/vnd.kubernetes.protobuf;stream=watch"]
    }

    /// A parameter in the query or the path.
    struct Parameter: Sendable {
        let name: String
        let place: String
        var type = "string"
        let text: String
    }

    var parameters: [Parameter] {
        var list: [Parameter] = []
        for part in ["name", "namespace", "path"] where path.contains("{\(part)}") {
            list.append(.init(name: part, place: "path", text: part == "name" ? "name of the object" : part))
        }
        if isWrite {
            list.append(.init(name: "dryRun", place: "query", text: "All: do everything but store the result."))
            if ["post", "put", "patch"].contains(action) {
                list.append(.init(name: "fieldManager", place: "query", text: "Who makes the change."))
                list.append(
                    .init(
                        name: "fieldValidation", place: "query",
                        text: "What happens to unknown and repeated fields: Ignore, Warn or Strict."))
            }
        }
        if isPatch {
            list.append(
                .init(name: "force", place: "query", type: "boolean", text: "Take fields over from other managers."))
        }
        if ["list", "watch", "watchlist", "deletecollection"].contains(action) {
            for name in ["continue", "fieldSelector", "labelSelector", "resourceVersion", "resourceVersionMatch"] {
                list.append(.init(name: name, place: "query", text: Self.listTexts[name] ?? ""))
            }
            list.append(.init(name: "limit", place: "query", type: "integer", text: "The most objects of one answer."))
            list.append(
                .init(
                    name: "timeoutSeconds", place: "query", type: "integer", text: "When the answer ends at the latest."
                ))
            for name in ["allowWatchBookmarks", "sendInitialEvents", "watch"] {
                list.append(.init(name: name, place: "query", type: "boolean", text: Self.listTexts[name] ?? ""))
            }
        }
        list.append(.init(name: "pretty", place: "query", text: "true: the answer is indented."))
        return list
    }

    private static let listTexts = [
        "continue": "Goes on where an answer with a limit ended.",
        "fieldSelector": "Only objects whose fields have these values.",
        "labelSelector": "Only objects with these labels.",
        "resourceVersion": "As of which version.",
        "resourceVersionMatch": "How the version is meant: Exact or NotOlderThan.",
        "allowWatchBookmarks": "Tell now and then how far the watch has come.",
        "sendInitialEvents": "Begin the watch with all objects that exist.",
        "watch": "Changes as they happen instead of a list.",
    ]
}

extension OpenAPIOperation {
    /// All operations of a resource and its subresources.
    static func all(of resource: Resource) -> [OpenAPIOperation] {
        var maker = Maker(resource)
        maker.addCollection()
        maker.addObject()
        for subresource in resource.subresources { maker.add(subresource) }
        maker.addWatches()
        return maker.made
    }

    private struct Maker {
        let resource: Resource
        let names: Names
        var made: [OpenAPIOperation] = []

        init(_ resource: Resource) {
            self.resource = resource
            names = Names(group: resource.group, version: resource.version)
        }

        private var scope: String { resource.isNamespaced ? "Namespaced" : "" }
        private var collection: String {
            resource.isNamespaced
                ? "\(resource.root)/namespaces/{namespace}/\(resource.plural)" : "\(resource.root)/\(resource.plural)"
        }
        /// The type of the objects; a custom one has its name in the document.
        private var type: String? {
            resource.custom == nil
                ? resource.schemaType : OpenAPISchemas.customPrefix + CustomOpenAPI.name(resource)
        }
        private var list: String? { type.map { $0 + "List" } }

        private mutating func add(
            _ path: String, _ method: String, _ action: String, id: String, kind: GroupVersionKind? = nil,
            body: String? = nil, answer: String? = nil
        ) {
            let own = GroupVersionKind(group: resource.group, version: resource.version, kind: resource.kind)
            made.append(
                OpenAPIOperation(
                    path: path, method: method, id: id, action: action, kind: kind ?? own, tag: names.tag,
                    isNamespaced: resource.isNamespaced, body: body, answer: answer))
        }

        mutating func addCollection() {
            let kind = resource.kind
            if resource.allows("list") {
                add(collection, "get", "list", id: "list\(names.text)\(scope)\(kind)", answer: list)
                if resource.isNamespaced {
                    add(
                        "\(resource.root)/\(resource.plural)", "get", "list",
                        id: "list\(names.text)\(kind)ForAllNamespaces", answer: list)
                }
            }
            if resource.allows("create") {
                add(
                    collection, "post", "post", id: "create\(names.text)\(scope)\(kind)", body: type, answer: type)
            }
            if resource.allows("deletecollection") {
                add(
                    collection, "delete", "deletecollection", id: "delete\(names.text)Collection\(scope)\(kind)",
                    body: "meta.v1.DeleteOptions", answer: "meta.v1.Status")
            }
        }

        mutating func addObject() {
            for (verb, method, action, word) in [
                ("get", "get", "get", "read"), ("update", "put", "put", "replace"),
                ("patch", "patch", "patch", "patch"),
                ("delete", "delete", "delete", "delete"),
            ] where resource.allows(verb) {
                let body = verb == "update" ? type : verb == "delete" ? "meta.v1.DeleteOptions" : nil
                add(
                    "\(collection)/{name}", method, action, id: "\(word)\(names.text)\(scope)\(resource.kind)",
                    body: body, answer: verb == "delete" ? "meta.v1.Status" : type)
            }
        }

        mutating func add(_ subresource: Resource.Subresource) {
            let path = "\(collection)/{name}/\(subresource.name)"
            let name = resource.kind + subresource.name.prefix(1).uppercased() + subresource.name.dropFirst()
            let kind = GroupVersionKind(
                group: subresource.group, version: subresource.version, kind: subresource.kind)
            let isOwn = subresource.kind == resource.kind && subresource.group == resource.group
            let type = isOwn ? self.type : OpenAPISchemas.type(of: kind)
            let connects = ["attach", "exec", "portforward", "proxy"].contains(subresource.name)
            guard !connects else {
                let methods =
                    subresource.name == "proxy"
                    ? ["delete", "get", "head", "options", "patch", "post", "put"] : ["get", "post"]
                for (ending, word) in subresource.takesPath ? [("", ""), ("/{path}", "WithPath")] : [("", "")] {
                    for method in methods {
                        let verb = method.prefix(1).uppercased() + method.dropFirst()
                        add(
                            path + ending, method, "connect", id: "connect\(names.text)\(verb)\(scope)\(name)\(word)",
                            kind: kind)
                    }
                }
                return
            }
            for (verb, method, action, word) in [
                ("create", "post", "post", "create"), ("get", "get", "get", "read"),
                ("update", "put", "put", "replace"),
                ("patch", "patch", "patch", "patch"),
            ] where subresource.verbs.contains(verb) {
                add(
                    path, method, action, id: "\(word)\(names.text)\(scope)\(name)", kind: kind,
                    body: ["create", "update"].contains(verb) ? type : nil,
                    answer: subresource.name == "log" ? nil : type)
            }
        }

        /// The deprecated paths of watches, which generated clients still have.
        mutating func addWatches() {
            guard resource.allows("watch") else { return }
            let root = "\(resource.root)/watch"
            let below = collection.dropFirst(resource.root.count)
            let event = "meta.v1.WatchEvent"
            add(
                root + below, "get", "watchlist", id: "watch\(names.text)\(scope)\(resource.kind)List", answer: event)
            add(
                "\(root)\(below)/{name}", "get", "watch", id: "watch\(names.text)\(scope)\(resource.kind)",
                answer: event)
            if resource.isNamespaced {
                add(
                    "\(root)/\(resource.plural)", "get", "watchlist",
                    id: "watch\(names.text)\(resource.kind)ListForAllNamespaces", answer: event)
            }
        }
    }

    /// What the names of operations are made of.
    struct Names {
        /// `RbacAuthorizationV1`.
        let text: String
        /// `rbacAuthorization_v1`.
        let tag: String

        init(group: String, version: String) {
            let short = group.hasSuffix(".k8s.io") ? String(group.dropLast(7)) : group
            let parts = short.split(separator: ".").flatMap { $0.split(separator: "-") }
            let camel = parts.map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
            text = (group.isEmpty ? "Core" : camel) + version.prefix(1).uppercased() + version.dropFirst()
            tag = (group.isEmpty ? "core" : camel.prefix(1).lowercased() + camel.dropFirst()) + "_\(version)"
        }
    }
}
