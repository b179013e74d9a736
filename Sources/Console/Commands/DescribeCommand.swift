import Glibc
import Shared

/// `kconsole describe`: everything about an object in words, with its events.
enum DescribeCommand {
    static let verb = Verb(
        "describe", "Show all about objects, with their events.", operands: "KIND [NAME…] | KIND/NAME…",
        flags: [
            GetCommand.selectorFlag, GetCommand.allNamespacesFlag,
            .init("show-events", fallback: "true", help: "also list the object's events"),
        ],
        notes: "A name may be the beginning of names: kconsole describe pod web shows all pods that begin with web.",
        completes: .objects, run: run)

    private static func run(_ call: Invocation) async throws -> Int32 {
        guard !call.operands.isEmpty else { throw call.usage("describe needs a kind, such as pods") }
        let session = try await call.session()
        let selection = try Selection(call.operands, try await session.resources())
        var code: Int32 = 0
        var isFirst = true
        for entry in selection.entries {
            let objects: [JSON]
            do { objects = try await find(entry, session, call) } catch let status as Status {
                call.remark(ErrorText.sentence(status))
                code = 1
                continue
            }
            for object in objects {
                if !isFirst { call.write("\n\n") }
                isFirst = false
                let context = try await context(of: object, entry.resource, session, call)
                call.write(
                    DescribeText.of(
                        object, context, zoneSeconds: LocalZone.seconds(at: call.clock.now()), now: call.clock.now()))
            }
        }
        if isFirst, code == 0 { call.remark("No resources found in \(session.namespace) namespace.") }
        return code
    }

    /// The named objects; a name that does not exist stands for all that begin with it.
    private static func find(_ entry: Selection.Entry, _ session: Session, _ call: Invocation) async throws -> [JSON] {
        if entry.names.isEmpty { return try await session.objects(entry, call.arguments) }
        var found: [JSON] = []
        for name in entry.names {
            do {
                found.append(try await session.client.call("GET", entry.resource.path(session.namespace, name)))
            } catch let status as Status where status.reason == .notFound {
                let near = try await session.list(entry.resource.path(session.namespace)).filter {
                    Object($0).name.hasPrefix(name)
                }
                if near.isEmpty { throw status }
                found += near
            }
        }
        return found
    }

    /// Reads what the description shows beside the object. What may not be read is left out.
    static func context(of json: JSON, _ resource: ServedResource, _ session: Session, _ call: Invocation) async throws
        -> DescribeContext
    {
        let object = Object(json)
        var context = DescribeContext()
        let client = session.client
        if call.arguments.has("show-events") || !call.arguments.isGiven("show-events") {
            // Events of a node carry its name as uid. Source: kubectl's node describer.
            let fields =
                "involvedObject.kind=\(object.kind),involvedObject.name=\(object.name)"
                + (object.namespace.isEmpty ? "" : ",involvedObject.namespace=\(object.namespace)")
            context.events =
                (try? await session.list(
                    Event.type.path(namespace: object.namespace), query: ["fieldSelector": fields])) ?? []
            let uid = object.metadata.uid
            context.events = context.events.filter {
                let own = $0.at("involvedObject", "uid").string ?? ""
                return own.isEmpty || own == uid || own == object.name
            }
        }
        switch (object.group, object.kind) {
        case ("", "Node"):
            let fields = "spec.nodeName=\(object.name),status.phase!=Failed,status.phase!=Succeeded"
            context.pods = try await session.list(Pod.type.path(), query: ["fieldSelector": fields])
            context.lease = (try? await client.get(Lease.self, namespace: Lease.nodeNamespace, name: object.name))?.json
        case ("", "Service"):
            let label = "\(EndpointSlice.serviceLabel)=\(object.name)"
            context.slices =
                (try? await session.list(
                    EndpointSlice.type.path(namespace: object.namespace), query: ["labelSelector": label])) ?? []
        case ("apps", "Deployment"):
            context.replicaSets = try await session.list(
                ReplicaSet.type.path(namespace: object.namespace), query: Rollouts.query(json))
        case ("apps", "ReplicaSet"), ("apps", "StatefulSet"), ("apps", "DaemonSet"), ("", "ReplicationController"):
            context.pods = try await session.list(
                Pod.type.path(namespace: object.namespace), query: Rollouts.query(json)
            ).filter { Object($0).metadata.controller?.uid == object.metadata.uid }
        case ("", "Namespace"):
            context.quotas = (try? await session.list("/api/v1/namespaces/\(object.name)/resourcequotas")) ?? []
            context.limits = (try? await session.list("/api/v1/namespaces/\(object.name)/limitranges")) ?? []
        case ("networking.k8s.io", "Ingress"):
            context.services = (try? await session.list(ClusterService.type.path(namespace: object.namespace))) ?? []
            context.slices = (try? await session.list(EndpointSlice.type.path(namespace: object.namespace))) ?? []
        case ("", "PersistentVolumeClaim"):
            let pods = (try? await session.list(Pod.type.path(namespace: object.namespace))) ?? []
            context.pods = pods.filter { pod in
                pod.at("spec", "volumes").items.contains {
                    $0.at("persistentVolumeClaim", "claimName").string == object.name
                }
            }
        case ("", "ServiceAccount"):
            let secrets = try? await session.list("/api/v1/namespaces/\(URLText.encode(object.namespace))/secrets")
            context.secrets = secrets ?? []
            context.knowsSecrets = secrets != nil
        default: break
        }
        return context
    }
}

/// The time zone of whoever looks.
enum LocalZone {
    /// Seconds that local time is ahead of UTC at a time. Source: man 3 localtime_r.
    static func seconds(at time: Timestamp) -> Int {
        var seconds = time_t(time.seconds)
        var parts = tm()
        tzset()
        return localtime_r(&seconds, &parts) == nil ? 0 : Int(parts.tm_gmtoff)
    }
}
