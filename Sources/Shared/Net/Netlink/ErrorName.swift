import Glibc

/// What an error number means in words, as the C library says it (`man 3 strerror`, thread-safe since glibc 2.32).
package func errorName(_ code: Int32) -> String {
    guard let text = strerror(code) else { return "error \(code)" }
    return String(cString: text)
}
