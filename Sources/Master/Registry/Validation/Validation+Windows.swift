import Shared

/// What containers on Windows may ask for. Source: `validateWindowsSecurityContextOptions`.
extension Validation {
    static func windowsOptions(_ options: Field, _ errors: inout FieldErrors) {
        guard options.isPresent else { return }
        let (name, content) = (options["gmsaCredentialSpecName"], options["gmsaCredentialSpec"])
        if name.isPresent { errors.check(name, NameText.subdomain(name.text)) }
        if content.isPresent {
            if content.text.isEmpty {
                errors.invalid(content, "gmsaCredentialSpec cannot be an empty string")
            } else if content.text.utf8.count > 64 * 1024 {
                errors.invalid(content, "gmsaCredentialSpec size must be under 64 KiB")
            }
        }
        if options["runAsUserName"].isPresent { windowsUser(options["runAsUserName"], &errors) }
    }

    /// `DOMAIN\user` or `user`.
    private static func windowsUser(_ field: Field, _ errors: inout FieldErrors) {
        let text = Array(field.text.unicodeScalars)
        if text.isEmpty {
            errors.invalid(field, "runAsUserName cannot be an empty string")
            return
        }
        if text.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) {
            errors.invalid(field, "runAsUserName cannot contain control characters")
            return
        }
        let parts = text.split(separator: "\\", omittingEmptySubsequences: false)
        guard parts.count <= 2, let user = parts.last else {
            errors.invalid(field, "runAsUserName cannot contain more than one backslash")
            return
        }
        if parts.count == 2 {
            let domain = String(String.UnicodeScalarView(parts[0]))
            if domain.utf8.count >= 256 {
                errors.invalid(field, "runAsUserName's Domain length must be under 256 characters")
            }
            if !isNetworkName(domain), !isDomain(domain) {
                errors.invalid(field, "runAsUserName's Domain doesn't match the NetBios nor the DNS format")
            }
        }
        if user.isEmpty {
            errors.invalid(field, "runAsUserName's User cannot be empty")
        } else if String(String.UnicodeScalarView(user)).utf8.count > 104 {
            errors.invalid(field, "runAsUserName's User length must not be longer than 104 characters")
        }
        if !user.isEmpty, user.allSatisfy({ $0 == "." || $0 == " " }) {
            errors.invalid(field, "runAsUserName's User cannot contain only periods or spaces")
        }
        let refused = #""/\:;|=,+*?<>@[]"#.unicodeScalars
        if user.contains(where: refused.contains) {
            errors.invalid(
                field, #"runAsUserName's User cannot contain the following characters: "/\:;|=,+*?<>@[]"#)
        }
    }
    /// A NetBIOS name.
    private static func isNetworkName(_ domain: String) -> Bool {
        (1...15).contains(domain.unicodeScalars.count) && !domain.hasPrefix(".")
            && !domain.unicodeScalars.contains(where: #"\/:*?"<>|"#.unicodeScalars.contains)
    }
    /// A DNS name, in capital letters too.
    private static func isDomain(_ domain: String) -> Bool {
        domain.split(separator: ".", omittingEmptySubsequences: false).allSatisfy {
            $0.utf8.count <= 63 && NameText.label($0.lowercased()).isEmpty
        }
    }

    /// Containers that are processes of the node are so all together. Source: `validateWindowsHostProcessPod`.
    static func hostProcesses(_ spec: Field, _ errors: inout FieldErrors) {
        let ofPod = spec["securityContext"]["windowsOptions"]["hostProcess"].json.bool
        let containers = containersInOrder(spec)
        var count = 0
        for container in containers {
            let field = container["securityContext"]["windowsOptions"]["hostProcess"]
            if let ofPod, let own = field.json.bool, own != ofPod {
                errors.invalid(field, "pod hostProcess value must be identical if both are specified, was \(ofPod)")
            }
            if field.json.bool ?? ofPod ?? false { count += 1 }
        }
        guard count > 0 else { return }
        if count != containers.count {
            errors.invalid(
                spec.with(""),
                "If pod contains any hostProcess containers then all containers must be HostProcess containers")
        }
        if !spec["hostNetwork"].bool {
            errors.invalid(
                spec["hostNetwork"].with(false),
                "hostNetwork must be true if pod contains any hostProcess containers")
        }
    }

    /// What the other system has only. Source: `validateOS`, `validateLinux`, `validateWindows`.
    static func operatingSystem(_ spec: Field, _ errors: inout FieldErrors) {
        let system = spec["os"]
        guard system.isPresent else { return }
        switch system["name"].text {
        case "": errors.required(system["name"], "cannot be empty")
        case "linux":
            for context in [spec["securityContext"]] + containersInOrder(spec).map({ $0["securityContext"] })
            where context["windowsOptions"].isPresent {
                errors.forbidden(context["windowsOptions"], "windows options cannot be set for a linux pod")
            }
        case "windows": withoutLinux(spec, &errors)
        default: errors.notSupported(system.with(system["name"].json), ["linux", "windows"])
        }
    }
    private static func withoutLinux(_ spec: Field, _ errors: inout FieldErrors) {
        func refuse(_ field: Field, unless isAbsent: Bool) {
            if !isAbsent { errors.forbidden(field, "cannot be set for a windows pod") }
        }
        let context = spec["securityContext"]
        for key in ["appArmorProfile", "seLinuxOptions"] { refuse(context[key], unless: context[key].isAbsent) }
        refuse(spec["hostUsers"], unless: spec["hostUsers"].isAbsent)
        for key in ["hostPID", "hostIPC"] { refuse(spec[key], unless: !spec[key].bool) }
        for key in ["seccompProfile", "fsGroup", "fsGroupChangePolicy"] {
            refuse(context[key], unless: context[key].isAbsent)
        }
        refuse(context["sysctls"], unless: context["sysctls"].json.items.isEmpty)
        refuse(spec["shareProcessNamespace"], unless: spec["shareProcessNamespace"].isAbsent)
        for key in [
            "runAsUser", "runAsGroup", "supplementalGroups", "supplementalGroupsPolicy", "seLinuxChangePolicy",
        ] {
            refuse(context[key], unless: context[key].isAbsent)
        }
        for container in containersInOrder(spec) {
            let context = container["securityContext"]
            for key in [
                "appArmorProfile", "seLinuxOptions", "seccompProfile", "capabilities", "readOnlyRootFilesystem",
                "privileged", "allowPrivilegeEscalation", "procMount", "runAsUser", "runAsGroup",
            ] {
                refuse(context[key], unless: context[key].isAbsent)
            }
        }
    }
}
