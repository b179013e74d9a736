/// The clusters, users and contexts of kubeconfig files. A value; unknown members survive a change.
/// Source: k8s.io/client-go `clientcmd/api/v1`.
package struct Kubeconfig: Sendable, Equatable {
    /// What `context` names, resolved.
    package struct Context: Sendable, Equatable {
        package let name: String
        package let clusterName: String
        package let userName: String
        /// `default` where the context says nothing.
        package let namespace: String
        package let cluster: JSON
        package let user: JSON
        /// Folders of the files that the cluster and the user stand in; relative paths in them start there.
        package let clusterFolder: String
        package let userFolder: String
    }

    /// The document that a change is written to: the first file of the list.
    package private(set) var json: JSON
    private var clusters: [Entry] = []
    private var users: [Entry] = []
    private var contexts: [Entry] = []
    private var chosen: String?

    private struct Entry: Sendable, Equatable {
        let name: String
        let value: JSON
        let folder: String
    }

    package static let empty: JSON = [
        "apiVersion": "v1", "kind": "Config", "clusters": [], "contexts": [], "users": [], "current-context": "",
        "preferences": [:],
    ]

    /// Merges documents; where two files name the same thing, the first one counts.
    /// - Parameter documents: each with the folder of its file.
    package init(_ documents: [(json: JSON, folder: String)]) {
        json = documents.first?.json ?? Kubeconfig.empty
        for (document, folder) in documents {
            Kubeconfig.merge(document["clusters"], "cluster", folder, into: &clusters)
            Kubeconfig.merge(document["users"], "user", folder, into: &users)
            Kubeconfig.merge(document["contexts"], "context", folder, into: &contexts)
            if chosen == nil, let name = document["current-context"].string, !name.isEmpty { chosen = name }
        }
    }

    package init(_ json: JSON, folder: String = "") { self.init([(json, folder)]) }

    private static func merge(_ list: JSON, _ member: String, _ folder: String, into entries: inout [Entry]) {
        for item in list.items {
            guard let name = item["name"].string, !entries.contains(where: { $0.name == name }) else { continue }
            entries.append(Entry(name: name, value: item[member], folder: folder))
        }
    }

    package var currentContext: String? { chosen }
    package var contextNames: [String] { contexts.map(\.name) }

    /// - Parameter name: nil takes the current context.
    /// - Throws: `KubeconfigError` that says what is missing.
    package func context(_ name: String? = nil) throws(KubeconfigError) -> Context {
        guard let name = name ?? chosen else {
            throw KubeconfigError("no context is chosen; name one with --context or run kconsole up")
        }
        guard let context = contexts.first(where: { $0.name == name }) else {
            let known = contextNames.isEmpty ? "there is none" : "known are \(contextNames.joined(separator: ", "))"
            throw KubeconfigError("the kubeconfig has no context \"\(name)\"; \(known)")
        }
        let clusterName = context.value["cluster"].string ?? ""
        let userName = context.value["user"].string ?? ""
        guard let cluster = clusters.first(where: { $0.name == clusterName }) else {
            throw KubeconfigError(
                "the context \"\(name)\" names the cluster \"\(clusterName)\", which the kubeconfig does not have")
        }
        let user = users.first { $0.name == userName }
        guard user != nil || userName.isEmpty else {
            throw KubeconfigError(
                "the context \"\(name)\" names the user \"\(userName)\", which the kubeconfig does not have")
        }
        let namespace = context.value["namespace"].string ?? ""
        return Context(
            name: name, clusterName: clusterName, userName: userName,
            namespace: namespace.isEmpty ? "default" : namespace,
            cluster: cluster.value, user: user?.value ?? .null, clusterFolder: cluster.folder,
            userFolder: user?.folder ?? "")
    }

    /// Adds or replaces a cluster, a user and a context, all called `name`.
    /// - Parameters:
    ///   - cluster: such as `{"server": …, "certificate-authority-data": …}`.
    ///   - user: such as `{"client-certificate-data": …, "client-key-data": …}`.
    ///   - isCurrent: also makes it the current context.
    package mutating func set(_ name: String, cluster: JSON, user: JSON, namespace: String? = nil, isCurrent: Bool) {
        var context: JSON = ["cluster": .string(name), "user": .string(name)]
        context.set("namespace", namespace.map(JSON.string))
        json = Kubeconfig.changed(json, "clusters", name, ["name": .string(name), "cluster": cluster])
        json = Kubeconfig.changed(json, "users", name, ["name": .string(name), "user": user])
        json = Kubeconfig.changed(json, "contexts", name, ["name": .string(name), "context": context])
        if isCurrent { json["current-context"] = .string(name) }
        self = Kubeconfig(json)
    }

    /// Removes what `set` added; nothing happens when it is not there.
    package mutating func remove(_ name: String) {
        for list in ["clusters", "users", "contexts"] { json = Kubeconfig.changed(json, list, name, nil) }
        if json["current-context"].string == name { json["current-context"] = "" }
        self = Kubeconfig(json)
    }

    /// Makes `name` the current context of the first file.
    package mutating func choose(_ name: String) {
        json["current-context"] = .string(name)
        chosen = name
    }

    private static func changed(_ json: JSON, _ list: String, _ name: String, _ item: JSON?) -> JSON {
        var json = json.isNull ? empty : json
        var items = json[list].items
        if let index = items.firstIndex(where: { $0["name"].string == name }) {
            if let item { items[index] = item } else { items.remove(at: index) }
        } else if let item {
            items.append(item)
        }
        json[list] = .array(items)
        return json
    }
}

/// What is wrong with a kubeconfig, in a sentence that says what to do next.
package struct KubeconfigError: Error, Equatable, Sendable, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}
