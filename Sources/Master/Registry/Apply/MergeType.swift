import Shared

/// How values of one type are merged and owned. Source: structured-merge-diff `schema`, and the list and map types of
/// the API (`x-kubernetes-list-type`, `x-kubernetes-map-type`).
enum MergeType: Sendable {
    case scalar(Scalar)
    /// Whatever it is, it has one owner.
    case atomic
    /// Nothing is known: objects are maps, lists are atomic.
    case untyped
    /// A list of values that occur once each.
    case set
    /// A list of objects that some of their fields tell apart.
    indirect case keyed([MergeKey], MergeType)
    indirect case map(MergeType)
    case structure(any MergeStructure)

    /// What a value without parts may be.
    enum Scalar: Sendable { case string, number, boolean, any }
}

/// A field that tells the items of a list apart.
struct MergeKey: Sendable {
    let name: String
    /// What an item without the field has there; nil when nothing is known.
    let fallback: JSON?
}

/// A type with named fields.
protocol MergeStructure: Sendable {
    func type(of field: String) -> MergeType?
    /// The type of fields that have no name of their own; nil when there may be none.
    var others: MergeType? { get }
}

extension MergeType {
    /// The type as the value shows it, where the type itself does not say.
    func resolved(_ value: JSON?) -> MergeType {
        guard case .untyped = self else { return self }
        switch value {
        case .object: return .map(.untyped)
        case .array: return .atomic
        default: return .scalar(.any)
        }
    }

    /// The type of a list's items.
    var element: MergeType { if case .keyed(_, let element) = self { element } else { .scalar(.any) } }

    /// The type of a member of an object of this type, and whether the type names it.
    func member(_ name: String) -> (type: MergeType, isNamed: Bool) {
        switch self {
        case .structure(let structure):
            if let type = structure.type(of: name) { return (type, true) }
            return (structure.others ?? .untyped, false)
        case .map(let value): return (value, false)
        default: return (.untyped, false)
        }
    }
}
