import Shared
import Testing

@testable import Console

struct LookTests {
    @Test func `print screens`() {
        for size in [Size(80, 24), Size(120, 40)] {
            var driver = ScreenDriver(size: size)
            print(driver.screen()); print("=====")
            driver.command("pods"); print(driver.screen()); print("=====")
            driver.press(.enter); print(driver.screen()); print("=====")
            driver.press(.character("y")); print(driver.screen()); print("=====")
            driver.press(.escape)
            driver.press(.character("X")); print(driver.screen()); print("=====")
            driver.press(.escape)
            driver.command("problems"); print(driver.screen()); print("=====")
            driver.press(.character("?")); print(driver.screen()); print("=====")
            driver.command("cm"); print(driver.screen()); print("=====")
            driver.command("no"); print(driver.screen()); print("=====")
            driver.command("deploy"); print(driver.screen()); print("=====")
            driver.command("ev"); print(driver.screen()); print("=====")
            driver.type(":po"); print(driver.screen()); print("=====")
        }
    }
}
