import Shared

/// Whether an object may be stored. Pure: the object as it would be stored goes in, the fields that are wrong come out.
/// Source: Kubernetes's `pkg/apis/*/validation`.
enum Validation {
    /// Errors of a new object.
    static func create(_ object: JSON, _ resource: Resource) -> [FieldError] {
        var errors: FieldErrors = []
        let field = Field(object)
        metadata(field["metadata"], resource, &errors)
        if let custom = resource.custom { return errors + custom.validate(object, old: nil) }
        specification(field, resource, &errors)
        creation(field, resource, &errors)
        return errors
    }

    /// What only a new object may not have.
    private static func creation(_ object: Field, _ resource: Resource, _ errors: inout FieldErrors) {
        switch resource.groupResource.description {
        case "pods": podCreation(object, &errors)
        case "ingresses.networking.k8s.io": ingressClass(object, &errors)
        default: break
        }
    }

    /// Errors of an object that is to replace `old`.
    static func update(_ object: JSON, _ old: JSON, _ resource: Resource) -> [FieldError] {
        var errors: FieldErrors = []
        let (field, before) = (Field(object), Field(old))
        let rounds = Rounds(for: resource)
        for _ in 0..<rounds.metadata + 1 { metadataWhole(field["metadata"], resource, &errors) }
        for _ in 0..<rounds.change + 1 { metadataUpdate(field["metadata"], before["metadata"], resource, &errors) }
        if let custom = resource.custom { return errors + custom.validate(object, old: old) }
        if rounds.changesFirst { changes(field, before, resource, &errors) }
        for _ in 0..<rounds.rules { specification(field, resource, &errors) }
        if !rounds.changesFirst { changes(field, before, resource, &errors) }
        return errors
    }

    /// Errors of an object whose status is to replace the one of `old`.
    static func status(_ object: JSON, _ old: JSON, _ resource: Resource) -> [FieldError] {
        var errors: FieldErrors = []
        let field = Field(object)
        metadataWhole(field["metadata"], resource, &errors)
        for _ in 1...2 { metadataUpdate(field["metadata"], Field(old)["metadata"], resource, &errors) }
        if let custom = resource.custom { return errors + custom.validate(object, old: old) }
        statusRules(field, Field(old), resource, &errors)
        return errors
    }

    /// The rules of the object itself, at creation and after every change.
    private static func specification(_ object: Field, _ resource: Resource, _ errors: inout FieldErrors) {
        let spec = object["spec"]
        switch resource.groupResource.description {
        case "pods": pod(object, &errors)
        case "podtemplates": podTemplate(object["template"], &errors)
        case "replicationcontrollers": replicationController(spec, &errors)
        case "services": service(object, &errors)
        case "endpoints": endpoints(object, &errors)
        case "configmaps": configMap(object, &errors)
        case "secrets": secret(object, &errors)
        case "namespaces": namespace(spec, &errors)
        case "nodes": node(object, &errors)
        case "persistentvolumes": persistentVolume(object, &errors)
        case "persistentvolumeclaims": claim(spec, &errors)
        case "resourcequotas": quota(spec, &errors)
        case "limitranges": limitRange(spec, &errors)
        case "events": event(object, &errors)
        case "events.events.k8s.io": newEvent(object, &errors)
        case "deployments.apps": deployment(spec, &errors)
        case "replicasets.apps": replicaSet(spec, &errors)
        case "statefulsets.apps": statefulSet(object, &errors)
        case "daemonsets.apps": daemonSet(spec, &errors)
        case "controllerrevisions.apps":
            if object["data"].isAbsent { errors.required(object["data"], "data is mandatory") }
            errors.nonNegative(object["revision"])
        case "jobs.batch": job(object, &errors)
        case "cronjobs.batch": cronJob(object, &errors)
        default: other(object, resource, &errors)
        }
    }
}
