/// A set of requirements on labels, all of which must hold. Empty: everything matches.
///
/// Two forms on the wire: the text of `?labelSelector=` (`app=web,tier in (a, b),!canary`) and the object
/// `metav1.LabelSelector` (`matchLabels`, `matchExpressions`).
package struct LabelSelector: Hashable, Sendable {
    package enum Operator: String, Sendable {
        case `in` = "In"
        case notIn = "NotIn"
        case exists = "Exists"
        case doesNotExist = "DoesNotExist"
        /// Node selectors only: the label is a whole number above the one value.
        case greater = "Gt"
        case less = "Lt"
    }
    package struct Requirement: Hashable, Sendable {
        package let key: String
        package let `operator`: Operator
        package let values: [String]
        package init(_ key: String, _ operator: Operator, _ values: [String] = []) {
            self.key = key
            self.operator = `operator`
            self.values = values
        }

        /// `value` is the label's value, nil when the object has no such label.
        package func matches(_ value: String?) -> Bool {
            switch `operator` {
            case .in: value.map(values.contains) ?? false
            case .notIn: value.map { !values.contains($0) } ?? true
            case .exists: value != nil
            case .doesNotExist: value == nil
            case .greater: compare(value, >)
            case .less: compare(value, <)
            }
        }
        private func compare(_ value: String?, _ holds: (Int, Int) -> Bool) -> Bool {
            guard let value = value.flatMap({ Int($0) }), let bound = values.first.flatMap({ Int($0) }) else {
                return false
            }
            return holds(value, bound)
        }
    }

    package var requirements: [Requirement]
    package init(_ requirements: [Requirement] = []) { self.requirements = requirements }

    package static let everything = LabelSelector()
    package var isEmpty: Bool { requirements.isEmpty }

    package func matches(_ labels: [String: String]) -> Bool { requirements.allSatisfy { $0.matches(labels[$0.key]) } }

    /// Labels that must be equal.
    package init(equal labels: [String: String]) {
        requirements = labels.sorted { $0.key < $1.key }.map { Requirement($0.key, .in, [$0.value]) }
    }

    /// Reads `metav1.LabelSelector`. Nil stands for null, which matches nothing; an operator that is not known matches nothing either.
    package init?(_ json: JSON) {
        guard json.object != nil else { return nil }
        self.init(equal: json["matchLabels"].strings)
        for expression in json["matchExpressions"].items {
            guard let name = expression["operator"].string, let known = Operator(rawValue: name) else { return nil }
            let values = expression["values"].items.compactMap(\.string)
            requirements.append(Requirement(expression["key"].string ?? "", known, values))
        }
    }
}

extension LabelSelector: CustomStringConvertible {
    /// The text form, as `?labelSelector=` takes it and kubectl prints it.
    package var description: String { requirements.map(\.description).joined(separator: ",") }
}

extension LabelSelector.Requirement: CustomStringConvertible {
    package var description: String {
        switch `operator` {
        case .in where values.count == 1: "\(key)=\(values[0])"
        case .in: "\(key) in (\(values.sorted().joined(separator: ",")))"
        case .notIn where values.count == 1: "\(key)!=\(values[0])"
        case .notIn: "\(key) notin (\(values.sorted().joined(separator: ",")))"
        case .exists: key
        case .doesNotExist: "!\(key)"
        case .greater: "\(key)>\(values.first ?? "")"
        case .less: "\(key)<\(values.first ?? "")"
        }
    }
}
