import Shared

/// What the master counts, in the text form of Prometheus.
enum Metrics {
    static func text(store: Store, hub: Hub) -> String {
        var text = "# HELP apiserver_storage_objects Number of stored objects by resource.\n"
        text += "# TYPE apiserver_storage_objects gauge\n"
        for (resource, count) in store.counts().sorted(by: { $0.key < $1.key }) {
            text += "apiserver_storage_objects{resource=\"\(resource)\"} \(count)\n"
        }
        text +=
            "# HELP kotohajime_store_revision The last committed revision.\n# TYPE kotohajime_store_revision counter\n"
        text += "kotohajime_store_revision \(store.head)\n"
        text +=
            "# HELP apiserver_longrunning_requests Watches that are open, by resource.\n# TYPE apiserver_longrunning_requests gauge\n"
        for resource in hub.resources.sorted() {
            text +=
                "apiserver_longrunning_requests{resource=\"\(resource)\",verb=\"WATCH\"} \(hub.watchers(of: resource))\n"
        }
        return text
    }
}
