import Shared

extension Call {
    /// The parameters of a write.
    /// - Parameter format: of a patch; nil for other writes.
    /// - Throws: 422 with one cause for each parameter that is wrong.
    /// Source: apimachinery `apis/meta/v1/validation`.
    func writeOptions(_ format: Client.PatchFormat? = nil) throws(Status) -> Storage.WriteOptions {
        var options = Storage.WriteOptions()
        var errors: [FieldError] = []
        let manager = query["fieldManager"] ?? ""
        if let format, format != .apply, query["force"] != nil {
            errors.append(
                FieldError(reason: .forbidden, field: "force", detail: "may not be specified for non-apply patch"))
        }
        if format == .apply, manager.isEmpty {
            errors.append(
                FieldError(reason: .required, field: "fieldManager", detail: "is required for apply patch"))
        }
        errors += Call.errors(ofManager: manager)
        options.isDryRun = Call.isDryRun(query.all("dryRun").filter { !$0.isEmpty }, &errors)
        if let text = query["fieldValidation"], !text.isEmpty {
            if let validation = FieldValidation(rawValue: text) {
                options.fieldValidation = validation
            } else {
                errors.append(
                    FieldError(
                        reason: .notSupported, field: "fieldValidation", value: text.goQuoted,
                        detail: "supported values: \"\", \"Ignore\", \"Strict\", \"Warn\""))
            }
        }
        try refuse(errors)
        options.fieldManager = manager.isEmpty ? agent : manager
        return options
    }

    /// Answers 422 for options of this call's kind unless there is nothing to complain about.
    func refuse(_ errors: [FieldError]) throws(Status) {
        if errors.isEmpty { return }
        let kind =
            switch info.verb {
            case "create": "CreateOptions"
            case "update": "UpdateOptions"
            case "patch": "PatchOptions"
            default: "DeleteOptions"
            }
        throw FieldError.status(errors, group: "meta.k8s.io", kind: kind, name: "")
    }

    /// `All` is the one way of a dry run.
    static func isDryRun(_ values: [String], _ errors: inout [FieldError]) -> Bool {
        if values.contains(where: { $0 != "All" }) {
            let shown = "[]string{\(values.map(\.goQuoted).joined(separator: ", "))}"
            errors.append(
                FieldError(reason: .notSupported, field: "dryRun", value: shown, detail: "supported values: \"All\""))
        }
        return !values.isEmpty
    }

    private static func errors(ofManager manager: String) -> [FieldError] {
        var errors: [FieldError] = []
        if manager.utf8.count > Limits.fieldManagerBytesMax {
            errors.append(
                FieldError(
                    reason: .tooLong, field: "fieldManager",
                    detail: "may not be more than \(Limits.fieldManagerBytesMax) bytes"))
        }
        var offset = 0
        for scalar in manager.unicodeScalars {
            if !isPrintable(scalar) {
                let digits = String(scalar.value, radix: 16, uppercase: true)
                let padded = String(repeating: "0", count: max(0, 4 - digits.count)) + digits
                errors.append(
                    FieldError(
                        reason: .invalid, field: "fieldManager", value: manager.goQuoted,
                        detail: "invalid character U+\(padded) (at position \(offset))"))
            }
            offset += String(Character(scalar)).utf8.count
        }
        return errors
    }

    /// Go's `unicode.IsPrint`.
    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
        case .spaceSeparator: scalar == " "
        default: true
        }
    }

    /// Without a parameter the manager is the program: the part of User-Agent before the first slash.
    private var agent: String {
        var name = ""
        for scalar in (request.headers["User-Agent"] ?? "").unicodeScalars {
            if scalar == "/" { break }
            guard Call.isPrintable(scalar) else { continue }
            let next = String(Character(scalar))
            if name.utf8.count + next.utf8.count > Limits.fieldManagerBytesMax { break }
            name += next
        }
        return name.isEmpty ? "unknown" : name
    }
}
