/// What the runner needs of a terminal; tests collect canvases instead.
struct Display: Sendable {
    var show: @Sendable (Canvas) -> Void
    var forget: @Sendable () -> Void = {}
    var copy: @Sendable (String) -> Void = { _ in }
    /// False when there is no shell to go back to.
    var suspend: @Sendable () -> Bool = { false }
    var leave: @Sendable () -> Void = {}
    var enter: @Sendable () -> Void = {}
    var size: @Sendable () -> Size = { Size(80, 24) }
}
