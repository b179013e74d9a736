import Shared
import Synchronization

/// Carries the streams of a program between it and a client until the program ends or the client leaves.
///
/// A client that leaves ends an exec's program and lets go of everything; a client that does not read holds up its own
/// program only; a program that does not read its input holds up its client once `Limits.terminalInputBytesMax` wait.
struct TerminalSession: Sendable {
    let client: any TerminalClient
    /// Starts the program, or joins it.
    let open: @Sendable () async throws -> ExecSession

    private enum Part: Sendable { case program, client, timer }

    func run() async {
        let input = BytePipe(most: Limits.terminalInputBytesMax)
        let program = Program()
        await withTaskGroup(of: Part.self) { group in
            group.addTask {
                await client.receive { received in
                    switch received {
                    case .bytes(let bytes): try await input.write(bytes)
                    case .end: input.finish()
                    case .resize(let rows, let columns): program.resize(rows: rows, columns: columns)
                    }
                }
                return .client
            }
            group.addTask {
                await serve(program, input)
                return .program
            }
            if await group.next() == .program {
                // The client closes when it has read the end; what it still sends means nothing.
                input.discard()
                group.addTask {
                    try? await SystemClock().sleep(for: .seconds(Limits.lingerSeconds))
                    return .timer
                }
                _ = await group.next()
            }
            program.close()
            input.fail(CancellationError())
            client.abort()
            group.cancelAll()
        }
    }

    private func serve(_ program: Program, _ input: BytePipe) async {
        guard (try? await client.ready()) != nil else { return }
        do {
            let session = try await open()
            guard program.begin(session) else { return session.close() }
            await client.finish(await carry(session, input))
        } catch let failure as RuntimeFailure {
            await client.finish(.failed(failure.message))
        } catch {
            await client.finish(.failed("\(error)"))
        }
    }

    private enum Ending: Sendable { case stream, code(Int32?), input, quiet }

    private func carry(_ session: ExecSession, _ input: BytePipe) async -> ProgramEnd {
        let flow = Flow()
        return await withTaskGroup(of: Ending.self) { group in
            for (stream, isError) in [(session.output, false), (session.errors, true)] {
                group.addTask {
                    while let bytes = try? await stream.next() {
                        flow.begin()
                        defer { flow.end() }
                        if (try? await client.send(bytes, isError: isError)) == nil { break }
                    }
                    return .stream
                }
            }
            group.addTask { .code(await session.exitCode()) }
            group.addTask {
                while let bytes = try? await input.read() {
                    if (try? await session.write(bytes)) == nil { input.discard() }
                }
                session.closeInput()
                return .input
            }
            var open = 2
            var end: ProgramEnd?
            while open > 0 || end == nil, let part = await group.next() {
                switch part {
                case .stream: open -= 1
                case .code(let code):
                    end = code.map { .exited($0) } ?? .lost
                    // A child that the program left behind may keep the streams open for ever.
                    group.addTask {
                        await flow.quiet()
                        return .quiet
                    }
                case .input: continue
                case .quiet: open = 0
                }
            }
            session.close()
            group.cancelAll()
            return end ?? .lost
        }
    }
}

/// The program of a session, once it runs, and the terminal's size, which may arrive before it does. A class: the tasks
/// of the session share it.
private final class Program: Sendable {
    private struct State {
        var session: ExecSession?
        var size: (rows: Int, columns: Int)?
        var isClosed = false
    }
    private let state = Mutex(State())

    /// False when the client has left meanwhile.
    func begin(_ session: ExecSession) -> Bool {
        let (size, isClosed) = state.withLock { state in
            state.session = session
            return (state.size, state.isClosed)
        }
        if let size { session.resize(rows: size.rows, columns: size.columns) }
        return !isClosed
    }

    func resize(rows: Int, columns: Int) {
        let session = state.withLock { state in
            state.size = (rows, columns)
            return state.session
        }
        session?.resize(rows: rows, columns: columns)
    }

    func close() {
        let session = state.withLock { state in
            state.isClosed = true
            return state.session
        }
        session?.close()
    }
}

/// Whether output still moves. A class: the tasks that carry it share it.
private final class Flow: Sendable {
    private let state = Mutex((busy: 0, count: 0))

    func begin() { state.withLock { $0.busy += 1 } }
    func end() {
        state.withLock { state in
            state.busy -= 1
            state.count += 1
        }
    }

    /// Returns when nothing has moved for a while and nothing waits for the client.
    func quiet() async {
        var last = -1
        while !Task.isCancelled {
            let now = state.withLock { $0 }
            if now.busy == 0, now.count == last { return }
            last = now.count
            try? await SystemClock().sleep(for: .milliseconds(Limits.leftOutputMilliseconds))
        }
    }
}
