@main
struct KotoShim {
    static func main() {
        print("kotoshim")
    }
}
