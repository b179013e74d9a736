import Glibc

/// `kconsole`: the console, the command line and the local cluster. Composition only.
@main
struct Console {
    static func main() async {
        signal(SIGPIPE, SIG_IGN)
        exit(await CommandTable.run(Array(CommandLine.arguments.dropFirst())))
    }
}
