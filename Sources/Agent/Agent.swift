import Shared

@main
struct Agent {
    static func main() async {
        print("kagent \(Version.current)")
    }
}
