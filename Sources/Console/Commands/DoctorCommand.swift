import Shared

enum DoctorCommand {
    static let verb = Verb("doctor", "Tell what this machine offers, what falls back and why.", isRemote: false) { _ in 0 }
}
