import Shared

/// What a rollout of a workload looks like. Pure.
enum Rollouts {
    static let revisionAnnotation = "deployment.kubernetes.io/revision"

    /// The label selector of a workload as a query.
    static func query(_ object: JSON) -> Query {
        let json = object.at("spec", "selector")
        let selector =
            Object(object).kind == "ReplicationController" ? LabelSelector(equal: json.strings) : LabelSelector(json)
        guard let selector, !selector.isEmpty else { return [:] }
        return ["labelSelector": selector.description]
    }

    /// The replica set with the template of the deployment, and the others that still have pods.
    static func replicaSets(_ sets: [JSON], of deployment: JSON) -> (new: JSON?, old: [JSON]) {
        let uid = Object(deployment).metadata.uid
        let own = sets.filter { Object($0).metadata.controller?.uid == uid }
        let wanted = withoutHash(deployment.at("spec", "template"))
        let new = own.filter { withoutHash($0.at("spec", "template")) == wanted }
            .min {
                (Object($0).metadata.creationTimestamp ?? Timestamp(seconds: 0))
                    < (Object($1).metadata.creationTimestamp ?? Timestamp(seconds: 0))
            }
        let old = own.filter { Object($0).metadata.uid != new.map { Object($0).metadata.uid } }
            .filter { ($0.at("spec", "replicas").int ?? 0) > 0 || ($0.at("status", "replicas").int ?? 0) > 0 }
        return (new, old)
    }

    static func withoutHash(_ template: JSON) -> JSON {
        var template = template
        template["metadata"]["labels"].remove("pod-template-hash")
        return template
    }

    /// Revisions of a deployment, oldest first: the replica sets that carry their numbers.
    static func revisions(_ sets: [JSON], of deployment: JSON) -> [(number: Int, set: JSON)] {
        let uid = Object(deployment).metadata.uid
        return sets.filter { Object($0).metadata.controller?.uid == uid }
            .compactMap { set in
                Object(set).metadata.annotations[revisionAnnotation].flatMap { Int($0) }.map { ($0, set) }
            }
            .sorted { $0.0 < $1.0 }
    }

    enum Progress: Equatable, Sendable {
        case done(String)
        case waiting(String)
        case failed(String)
    }

    /// How far a rollout is. Source: kubectl `polymorphichelpers/rollout_status.go`.
    /// - Throws: a sentence for kinds without one.
    static func progress(_ object: JSON) throws(Failure) -> Progress {
        let type = Object(object)
        let spec = object["spec"], status = object["status"]
        let name = type.name
        func count(_ key: String) -> Int { status[key].int ?? 0 }
        let observed = count("observedGeneration")
        let isObserved = type.metadata.generation <= observed
        switch type.kind {
        case "Deployment":
            guard isObserved else { return .waiting("Waiting for deployment spec update to be observed...") }
            let late = status["conditions"].items.contains {
                $0["type"].string == "Progressing" && $0["reason"].string == "ProgressDeadlineExceeded"
            }
            if late { return .failed("error: deployment \"\(name)\" exceeded its progress deadline") }
            let wanted = spec["replicas"].int ?? 1
            if count("updatedReplicas") < wanted {
                return .waiting(
                    "Waiting for deployment \"\(name)\" rollout to finish: \(count("updatedReplicas")) out of \(wanted) new replicas have been updated..."
                )
            }
            if count("replicas") > count("updatedReplicas") {
                return .waiting(
                    "Waiting for deployment \"\(name)\" rollout to finish: \(count("replicas") - count("updatedReplicas")) old replicas are pending termination..."
                )
            }
            if count("availableReplicas") < count("updatedReplicas") {
                return .waiting(
                    "Waiting for deployment \"\(name)\" rollout to finish: \(count("availableReplicas")) of \(count("updatedReplicas")) updated replicas are available..."
                )
            }
            return .done("deployment \"\(name)\" successfully rolled out")
        case "DaemonSet":
            guard isObserved else { return .waiting("Waiting for daemon set spec update to be observed...") }
            let wanted = count("desiredNumberScheduled")
            if count("updatedNumberScheduled") < wanted {
                return .waiting(
                    "Waiting for daemon set \"\(name)\" rollout to finish: \(count("updatedNumberScheduled")) out of \(wanted) new pods have been updated..."
                )
            }
            if count("numberAvailable") < wanted {
                return .waiting(
                    "Waiting for daemon set \"\(name)\" rollout to finish: \(count("numberAvailable")) of \(wanted) updated pods are available..."
                )
            }
            return .done("daemon set \"\(name)\" successfully rolled out")
        case "StatefulSet":
            guard isObserved, observed > 0 else {
                return .waiting("Waiting for statefulset spec update to be observed...")
            }
            let wanted = spec["replicas"].int ?? 1
            if count("readyReplicas") < wanted {
                return .waiting("Waiting for \(wanted - count("readyReplicas")) pods to be ready...")
            }
            let partition = spec.at("updateStrategy", "rollingUpdate", "partition").int ?? 0
            if partition > 0 {
                if count("updatedReplicas") < wanted - partition {
                    return .waiting(
                        "Waiting for partitioned roll out to finish: \(count("updatedReplicas")) out of \(wanted - partition) new pods have been updated..."
                    )
                }
                return .done("partitioned roll out complete: \(count("updatedReplicas")) new pods have been updated...")
            }
            if status["updateRevision"] != status["currentRevision"] {
                return .waiting(
                    "waiting for statefulset rolling update to complete \(count("updatedReplicas")) pods at revision \(status["updateRevision"].string ?? "")..."
                )
            }
            return .done(
                "statefulset rolling update complete \(count("currentReplicas")) pods at revision \(status["currentRevision"].string ?? "")..."
            )
        default: throw Failure("A \(type.kind) has no rollout; deployments, daemonsets and statefulsets have one.")
        }
    }
}
