import Shared

@main
struct Master {
    static func main() async {
        print("kmaster \(Version.current)")
    }
}
