import Shared

/// Admission that looks up a class for an object: storage, ingress and runtime classes, and the default of each.
extension AdmissionPlugin {
    /// A claim that names no storage class gets the cluster's default one.
    ///
    /// - Parameter classes: the stored storage classes.
    /// Source: plugin/pkg/admission/storage/storageclass/setdefault.
    static func defaultStorageClass(classes: @escaping @Sendable () -> [JSON]) -> Self {
        AdmissionPlugin(name: "DefaultStorageClass") { call throws(Status) in
            guard call.operation == .create, call.concerns("persistentvolumeclaims") else { return }
            guard call.object["spec"]["storageClassName"].isNull,
                call.object["metadata"]["annotations"]["volume.beta.kubernetes.io/storage-class"].isNull,
                let name = defaultClass(
                    classes(),
                    ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"])
            else { return }
            call.object["spec"]["storageClassName"] = .string(name)
        }
    }

    /// An ingress that names no class gets the cluster's default one.
    ///
    /// - Parameter classes: the stored ingress classes.
    /// Source: plugin/pkg/admission/network/defaultingressclass.
    static func defaultIngressClass(classes: @escaping @Sendable () -> [JSON]) -> Self {
        AdmissionPlugin(name: "DefaultIngressClass") { call throws(Status) in
            guard call.operation == .create, call.concerns("ingresses", group: "networking.k8s.io") else { return }
            guard call.object["spec"]["ingressClassName"].isNull,
                call.object["metadata"]["annotations"]["kubernetes.io/ingress.class"].isNull,
                let name = defaultClass(classes(), ["ingressclass.kubernetes.io/is-default-class"])
            else { return }
            call.object["spec"]["ingressClassName"] = .string(name)
        }
    }

    /// The class that is marked as default; the newest when there are several, then the first by name.
    private static func defaultClass(_ classes: [JSON], _ keys: [String]) -> String? {
        let marked = classes.map { Object($0).metadata }.filter { metadata in
            keys.contains { metadata.annotations[$0] == "true" }
        }
        let newest = marked.max { left, right in
            let (first, second) = (left.creationTimestamp?.nanoseconds ?? 0, right.creationTimestamp?.nanoseconds ?? 0)
            return first == second ? left.name > right.name : first < second
        }
        return newest?.name
    }

    /// A claim grows only when its storage class says that it can.
    ///
    /// - Parameter named: the stored storage class.
    /// Source: plugin/pkg/admission/storage/persistentvolume/resize.
    static func claimResize(named: @escaping @Sendable (String) -> JSON?) -> Self {
        AdmissionPlugin(name: "PersistentVolumeClaimResize", phase: .validating) { call throws(Status) in
            guard call.operation == .update, call.concerns("persistentvolumeclaims") else { return }
            func size(_ claim: JSON) -> Quantity? {
                claim["spec"]["resources"]["requests"]["storage"].string.flatMap { Quantity($0) }
            }
            guard let new = size(call.object), let old = size(call.old), new > old else { return }
            guard call.old["status"]["phase"] == "Bound" else {
                throw call.forbidden("Only bound persistent volume claims can be expanded")
            }
            let name =
                call.object["metadata"]["annotations"]["volume.beta.kubernetes.io/storage-class"].string
                ?? call.object["spec"]["storageClassName"].string ?? ""
            guard named(name)?["allowVolumeExpansion"] == true else {
                throw call.forbidden(
                    "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize"
                )
            }
        }
    }

    /// Volumes and claims stay until nobody uses them: a finalizer that a controller takes off.
    /// Source: plugin/pkg/admission/storage/storageobjectinuseprotection.
    static let storageInUse = AdmissionPlugin(name: "StorageObjectInUseProtection") { call throws(Status) in
        guard call.operation == .create else { return }
        let finalizer: JSON
        if call.concerns("persistentvolumes") {
            finalizer = "kubernetes.io/pv-protection"
        } else if call.concerns("persistentvolumeclaims") {
            finalizer = "kubernetes.io/pvc-protection"
        } else {
            return
        }
        let present = call.object["metadata"]["finalizers"].items
        if !present.contains(finalizer) { call.object["metadata"]["finalizers"] = .array(present + [finalizer]) }
    }

    /// Only one priority class may be the default.
    ///
    /// - Parameter current: the class that is the default now.
    /// Source: plugin/pkg/admission/priority.
    static func defaultPriorityClass(current: @escaping @Sendable () -> JSON?) -> Self {
        AdmissionPlugin(name: "Priority", phase: .validating) { call throws(Status) in
            guard call.operation == .create || call.operation == .update,
                call.concerns("priorityclasses", group: "scheduling.k8s.io"), call.object["globalDefault"] == true,
                let name = current()?["metadata"]["name"].string, name != call.name
            else { return }
            throw call.forbidden("PriorityClass \(name) is already marked as default. Only one default can exist")
        }
    }

    /// Gives a pod what its runtime class brings with it: overhead, node selector and tolerations.
    ///
    /// - Parameter named: the stored runtime class.
    /// Source: plugin/pkg/admission/runtimeclass.
    static func runtimeClass(named: @escaping @Sendable (String) -> JSON?) -> Self {
        AdmissionPlugin(name: "RuntimeClass") { call throws(Status) in
            guard call.operation == .create, call.concerns("pods") else { return }
            let name = call.object["spec"]["runtimeClassName"].string ?? ""
            let overhead = call.object["spec"]["overhead"].members
            guard !name.isEmpty else {
                if overhead.isEmpty { return }
                throw call.forbidden(
                    "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead")
            }
            guard let found = named(name) else {
                throw call.forbidden("pod rejected: RuntimeClass \"\(name)\" not found")
            }
            try addOverhead(&call, found["overhead"]["podFixed"])
            try addPlacement(&call, found["scheduling"])
        }
    }

    private static func addOverhead(_ call: inout AdmissionCall, _ fixed: JSON) throws(Status) {
        let given = call.object["spec"]["overhead"].quantities
        guard !fixed.members.isEmpty else {
            if given.isEmpty { return }
            throw call.forbidden("pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead")
        }
        if !given.isEmpty, given != fixed.quantities {
            throw call.forbidden("pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead")
        }
        call.object["spec"]["overhead"] = fixed
    }

    private static func addPlacement(_ call: inout AdmissionCall, _ scheduling: JSON) throws(Status) {
        for (key, value) in scheduling["nodeSelector"].members {
            let given = call.object["spec"]["nodeSelector"][key]
            if !given.isNull, given != value {
                throw call.forbidden(
                    "conflict: runtimeClass.scheduling.nodeSelector[\(key)] = \(value.string ?? ""); pod.spec.nodeSelector[\(key)] = \(given.string ?? "")"
                )
            }
            call.object["spec"]["nodeSelector"][key] = value
        }
        let present = call.object["spec"]["tolerations"].items
        let added = scheduling["tolerations"].items.filter { !present.contains($0) }
        if !added.isEmpty { call.object["spec"]["tolerations"] = .array(present + added) }
    }

    /// Pods that ask for devices tolerate the taints of the nodes that are kept for those devices.
    /// Source: plugin/pkg/admission/extendedresourcetoleration.
    static let extendedResources = AdmissionPlugin(name: "ExtendedResourceToleration") { call throws(Status) in
        guard call.operation == .create, call.concerns("pods") else { return }
        let spec = call.object["spec"]
        var names: Set<String> = []
        for container in spec["containers"].items + spec["initContainers"].items {
            for (name, _) in container["resources"]["requests"].members where isExtended(name) { names.insert(name) }
        }
        let present = spec["tolerations"].items
        let added = names.sorted().map { name -> JSON in ["key": .string(name), "operator": "Exists"] }.filter {
            !present.contains($0)
        }
        if !added.isEmpty { call.object["spec"]["tolerations"] = .array(present + added) }
    }

    private static func isExtended(_ name: String) -> Bool {
        guard let slash = name.firstIndex(of: "/") else { return false }
        return !name[..<slash].hasSuffix("kubernetes.io")
    }
}
