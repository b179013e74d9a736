import Shared

/// One entry of `x-kubernetes-validations`.
struct CustomRule: Sendable {
    let text: String
    let message: String
    let reason: FieldError.Reason
    let fieldPath: String
    /// Nil when the text cannot be used; a definition with such a rule is refused.
    let expression: Expression?
    let messageExpression: Expression?
    /// It compares with the value before, so it holds for updates only.
    let isTransition: Bool

    init?(_ json: JSON) {
        guard let text = json["rule"].string else { return nil }
        self.text = text
        message = json["message"].string ?? ""
        reason = json["reason"].string.flatMap(FieldError.Reason.init(rawValue:)) ?? .invalid
        fieldPath = json["fieldPath"].string ?? ""
        expression = try? ExpressionParser.parse(text)
        messageExpression = json["messageExpression"].string.flatMap { try? ExpressionParser.parse($0) }
        isTransition = expression?.mentions("oldSelf") ?? false
    }

    /// What a user reads when the rule does not hold.
    var refusal: String { message.isEmpty ? "failed rule: \(text.trimmingSpaces)" : message }
}

extension StructuralSchema {
    /// Checks the rules of the schema and of all inside it.
    /// - Parameter old: the value before; nil for a new object.
    func checkRules(_ value: JSON, old: JSON?) -> [FieldError] {
        guard hasRules else { return [] }
        var errors: [FieldError] = []
        var evaluation = Evaluation()
        check(value, old, "", &evaluation, &errors)
        return errors
    }

    private func check(
        _ value: JSON, _ old: JSON?, _ path: String, _ evaluation: inout Evaluation, _ errors: inout [FieldError]
    ) {
        guard hasRules, errors.count < Limits.fieldErrorsMax, evaluation.stepsLeft >= 0 else { return }
        if value.isNull { return }
        for rule in rules where !rule.isTransition || old != nil {
            check(rule, value, old, path, &evaluation, &errors)
            if evaluation.stepsLeft < 0 {
                errors.append(
                    FieldError(
                        reason: .invalid, field: path.isEmpty ? "<nil>" : path, value: type.goQuoted,
                        detail:
                            "validation failed due to running out of cost budget, no further validation rules will be run"
                    ))
                return
            }
        }
        switch value {
        case .array(let list):
            guard let items, items.hasRules else { return }
            for (index, item) in list.enumerated() {
                items.check(item, counterpart(of: item, in: old), "\(path)[\(index)]", &evaluation, &errors)
            }
        case .object(let members):
            for (key, member) in members {
                guard let schema = self.member(key), schema.hasRules else { continue }
                let place = path.isEmpty ? key : self[key] == nil ? "\(path)[\(key)]" : "\(path).\(key)"
                schema.check(member, old?.object?[key], place, &evaluation, &errors)
            }
        default: break
        }
    }

    /// The item of the list before that has the same keys.
    private func counterpart(of item: JSON, in old: JSON?) -> JSON? {
        guard case .map(let keys) = listType, let old else { return nil }
        return old.items.first { other in keys.allSatisfy { other[$0] == item[$0] } }
    }

    private func check(
        _ rule: CustomRule, _ value: JSON, _ old: JSON?, _ path: String, _ evaluation: inout Evaluation,
        _ errors: inout [FieldError]
    ) {
        let place = (path.isEmpty ? "" : path) + rule.fieldPath
        let field = place.isEmpty ? "<nil>" : place.hasPrefix(".") ? String(place.dropFirst()) : place
        func complain(_ reason: FieldError.Reason, _ text: String) {
            errors.append(FieldError(reason: reason, field: field, value: shownType.goQuoted, detail: text))
        }
        var variables = ["self": value]
        if let old { variables["oldSelf"] = old }
        guard let expression = rule.expression else {
            complain(.internalError, "rule compile error: \(rule.text)")
            return
        }
        do throws(Evaluation.Failure) {
            if try evaluation.value(expression, variables) == true { return }
            var text = rule.refusal
            if let message = rule.messageExpression, case .string(let made) = try evaluation.value(message, variables),
                !made.isEmpty
            {
                text = made
            }
            complain(rule.reason, text)
        } catch {
            guard evaluation.stepsLeft >= 0 else { return }
            complain(.invalid, "\(error) evaluating rule: \(rule.message.isEmpty ? rule.text : rule.message)")
        }
    }

    private var shownType: String { type.isEmpty ? isIntOrString ? "integer" : "object" : type }
}
