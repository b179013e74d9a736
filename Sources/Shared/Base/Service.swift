/// A part of a program that runs until it is cancelled. Returning or throwing ends the whole program.
package protocol Service: Sendable {
    func run() async throws
}

/// A service made of one function.
package struct ServiceBlock: Service {
    private let body: @Sendable () async throws -> Void
    package init(_ body: @escaping @Sendable () async throws -> Void) { self.body = body }
    package func run() async throws { try await body() }
}

/// Runs all services at once until one of them ends, then cancels the others and waits for them.
/// - Throws: the first error of a service; cancellation is the normal end and is not an error.
package func run(_ services: [any Service]) async throws {
    do {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for service in services { group.addTask { try await service.run() } }
            try await group.next()
            group.cancelAll()
            while let ended = await group.nextResult() {
                if case .failure(let error) = ended, !(error is CancellationError) { throw error }
            }
        }
    } catch is CancellationError {}
}
