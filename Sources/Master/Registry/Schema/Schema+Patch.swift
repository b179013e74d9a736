import Shared

/// How strategic merge patches treat the fields of a type of the schema.
struct SchemaPatch: PatchSchema {
    let type: String

    func field(_ name: String) -> Shared.PatchField? {
        guard let found = Schema.patchField(type, name) else { return nil }
        return Shared.PatchField(
            strategy: .init(text: found.strategy), mergeKey: found.mergeKey.isEmpty ? nil : found.mergeKey,
            child: (found.elementType ?? found.childType).map { SchemaPatch(type: $0) })
    }
}
