import Shared
import Testing

@testable import Console

struct MailboxTests {
    private let mailbox = Mailbox()
    private func texts(_ messages: [Message]) -> [String] {
        messages.map {
            switch $0 {
            case .say(let text, _): text
            case .tick: "tick"
            case .input(.key(let key)): key.description
            case .resized: "resized"
            case .terminated: "terminated"
            default: "other"
            }
        }
    }

    @Test func `what a person waits for overtakes the cluster's news, and both keep their order`() {
        for number in 0..<3 { mailbox.put(.say("\(number)", .text)) }
        mailbox.put(.input(.key(.down)))
        mailbox.put(.say("3", .text))
        mailbox.put(.resized(Size(80, 24)))
        mailbox.put(.terminated)
        #expect(mailbox.hasUrgent)
        #expect(texts(mailbox.takeUrgent()) == ["↓", "resized", "terminated"])
        #expect(!mailbox.hasUrgent)
        #expect(texts(mailbox.takeOthers()) == ["0", "1", "2", "3"])
        #expect(mailbox.takeOthers().isEmpty)
    }

    @Test func `ticks do not pile up`() {
        for _ in 0..<5 { mailbox.put(.tick(FakeCluster.now)) }
        #expect(texts(mailbox.takeOthers()) == ["tick"])
    }

    @Test func `whoever waits is woken by either kind`() async {
        for message in [Message.say("a", .text), .input(.key(.up))] {
            let mailbox = mailbox
            async let waited: Void = mailbox.wait()
            mailbox.put(message)
            await waited
            _ = (mailbox.takeUrgent(), mailbox.takeOthers())
        }
        // A pause ends at once when a key is there.
        mailbox.put(.input(.key(.up)))
        await mailbox.pause(.seconds(3_600), SystemClock())
        #expect(mailbox.hasUrgent)
    }
}
