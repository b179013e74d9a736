import Shared
import Testing

@testable import Agent

struct ProbeCourseTests {
    private let start = PodBed.start

    @Test func `a probe waits for its delay and then for its period`() {
        let probe = Probe(
            ["exec": ["command": ["x"]], "initialDelaySeconds": 5, "periodSeconds": 3], kind: .readiness)
        var course = ProbeCourse(probe, attempt: 0, startedAt: start)
        #expect(!course.isDue(start + .seconds(4)))
        #expect(course.isDue(start + .seconds(5)))
        course.begin()
        #expect(!course.isDue(start + .seconds(60)))
        let verdict1 = course.end(.success, now: start + .seconds(6))
        #expect(verdict1)
        #expect(course.next == start + .seconds(9))
    }

    @Test func `liveness fails at its threshold and begins anew`() {
        let probe = Probe(["tcpSocket": ["port": 1], "failureThreshold": 2], kind: .liveness)
        var course = ProbeCourse(probe, attempt: 0, startedAt: start)
        let verdict2 = course.end(.failure("a"), now: start)
        #expect(!verdict2)
        let verdict3 = course.end(.failure("b"), now: start)
        #expect(verdict3)
        let verdict4 = course.end(.failure("c"), now: start)
        #expect(!verdict4)
    }

    @Test func `what can not be asked counts as neither`() {
        let probe = Probe(["grpc": ["port": 1], "failureThreshold": 1], kind: .liveness)
        var course = ProbeCourse(probe, attempt: 0, startedAt: start)
        let verdict5 = course.end(.errored("x"), now: start)
        #expect(!verdict5)
        #expect(course.isGood == nil)
    }
}
