/// What a pod asks for as a whole. Source: `resourcehelper.PodRequests`, KEP-753, KEP-2837.
package enum PodAmounts {
    /// The sum over the containers, or what the start of an init container needs when that is more.
    /// - Parameters:
    ///   - spec: of the pod.
    ///   - list: `requests` or `limits`.
    ///   - unsaid: what a container counts for that does not name a resource.
    package static func sum(
        _ spec: JSON, _ list: String, overhead: Bool = true, unsaid: [String: Quantity] = [:]
    ) -> [String: Quantity] {
        var total: [String: Quantity] = [:]
        func add(_ container: JSON, to sum: inout [String: Quantity]) {
            let said = container["resources"][list].quantities
            PodAmounts.add(unsaid.isEmpty ? said : said.merging(unsaid) { own, _ in own }, to: &sum)
        }
        for container in spec["containers"].items { add(container, to: &total) }
        // Init containers run one after the other, but those that restart always stay beside what follows.
        var staying: [String: Quantity] = [:]
        var start: [String: Quantity] = [:]
        for container in spec["initContainers"].items {
            if container["restartPolicy"] == "Always" {
                add(container, to: &total)
                add(container, to: &staying)
                raise(&start, to: staying)
            } else {
                var needs = staying
                add(container, to: &needs)
                raise(&start, to: needs)
            }
        }
        raise(&total, to: start)
        // What is said for the pod as a whole counts instead.
        total.merge(spec["resources"][list].quantities) { _, whole in whole }
        if overhead {
            // It counts on top of every request, and of limits that are there.
            let limited = total
            PodAmounts.add(
                spec["overhead"].quantities.filter { list == "requests" || limited[$0.key] != nil }, to: &total)
        }
        return total
    }

    private static func add(_ amounts: [String: Quantity], to total: inout [String: Quantity]) {
        for (name, quantity) in amounts { total[name] = total[name].map { $0 + quantity } ?? quantity }
    }

    private static func raise(_ total: inout [String: Quantity], to other: [String: Quantity]) {
        for (name, quantity) in other where total[name].map({ $0 < quantity }) ?? true { total[name] = quantity }
    }
}
