/// A question before something is done. The focus starts on Cancel, and moving it takes another key than confirming:
/// a key that is held down can never confirm.
struct Dialog: Equatable, Sendable {
    let title: String
    /// What will be affected.
    let body: [Line]
    /// The word on the button: `Delete`.
    let verb: String
    let effects: [Effect]
    var confirms = false
}
