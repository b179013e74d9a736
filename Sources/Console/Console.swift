import Shared

@main
struct Console {
    static func main() async {
        print("kconsole \(Version.current)")
    }
}
