import Shared

/// What the exit code of a program tells. Pure. Source: the conventions of sh and of signals, man 7 signal.
enum ExitCode {
    static func meaning(_ exit: ContainerFacts.Exit) -> String {
        if exit.reason == "OOMKilled" { return "killed because it used more memory than its limit" }
        switch exit.code {
        case 0: return "it ended by itself, as if its work was done"
        case 1: return "the program reported an error"
        case 2: return "the program reported wrong usage, or panicked"
        case 126: return "the command can not be executed: no right to, or no program for this machine"
        case 127: return "the command is not in the image"
        case 128: return "the container could not be started"
        case 137: return "killed (SIGKILL): it did not end in time when asked to, or somebody killed it"
        case 143: return "it was asked to end (SIGTERM)"
        case 129...192: return "ended by signal \(exit.code - 128)\(signal(exit.code - 128))"
        case 255: return "the program reported an error (-1)"
        default: return "the program reported an error of its own"
        }
    }

    private static func signal(_ number: Int) -> String {
        let names = [
            1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL, an instruction this processor does not know",
            6: "SIGABRT, it gave up by itself", 7: "SIGBUS", 8: "SIGFPE",
            11: "SIGSEGV, it touched memory that is not its own", 13: "SIGPIPE", 31: "SIGSYS, a call that is forbidden",
        ]
        return names[number].map { " (\($0))" } ?? ""
    }
}

/// Why an image could not be had, out of the words of the runtime. Pure.
enum ImageTrouble {
    static func cause(_ reason: String, _ text: String) -> (text: String, advice: String, isCertain: Bool) {
        let words = text.lowercased()
        func says(_ parts: String...) -> Bool { parts.contains { words.contains($0) } }
        if reason == "InvalidImageName" {
            return ("the name of the image is malformed", "correct the image in the manifest", true)
        }
        if reason == "ErrImageNeverPull" {
            return (
                "the image is not on the node, and imagePullPolicy Never forbids to fetch it",
                "import the image on the node, or set imagePullPolicy to IfNotPresent", true
            )
        }
        if says("images import") {
            return (
                "the image is not on the node, and its agent fetches none from registries",
                "import it there: kagent images import FILE", true
            )
        }
        if says("unauthorized", "authentication required", "denied", "no basic auth", "403 forbidden", "401") {
            return (
                "the registry refuses: it wants a login, or there is no such repository",
                "check the name, and that imagePullSecrets names a valid login", true
            )
        }
        if says("no such host", "name resolution", "server misbehaving", "can not be resolved", "lookup") {
            return (
                "the registry's name can not be resolved on the node", "check the registry's name and the node's DNS",
                true
            )
        }
        if says("toomanyrequests", "too many requests", "429", "rate limit") {
            return ("the registry limits how often one may ask", "wait, or log in to the registry", true)
        }
        if says("x509", "certificate") {
            return (
                "the registry's certificate is not trusted by the node", "add the registry's authority to the node",
                true
            )
        }
        if says(
            "connection refused", "i/o timeout", "network is unreachable", "no route", "timed out", "deadline exceeded",
            "can not be reached", "dial tcp", "no internet")
        {
            return (
                "the registry can not be reached from the node", "check the network between node and registry", true
            )
        }
        if says("not found", "manifest unknown", "does not exist", "404") {
            return (
                "the registry has no such image or tag", "check the image's name and tag for a slip of the pen", true
            )
        }
        return ("the image can not be had", "see what the registry says, with d", false)
    }
}
