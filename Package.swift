// swift-tools-version: 6.2
import PackageDescription

/// One set of rules for every Swift target: language mode 6 and no warnings.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "Kotohajime",
    products: [
        .executable(name: "kmaster", targets: ["Master"]),
        .executable(name: "kagent", targets: ["Agent"]),
        .executable(name: "kotoshim", targets: ["KotoShim"]),
        .executable(name: "kconsole", targets: ["Console"]),
    ],
    targets: [
        .systemLibrary(name: "CSQLite", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(name: "CNcurses", providers: [.apt(["libncurses-dev"])]),
        .target(
            name: "CTLS",
            linkerSettings: [
                .linkedLibrary(":libssl.so.3"), .linkedLibrary(":libcrypto.so.3"), .linkedLibrary(":libz.so.1"),
            ]),
        .target(name: "CLinux"),
        .target(name: "CAssets"),

        .target(name: "Shared", dependencies: ["CTLS", "CLinux"], swiftSettings: strict),
        .executableTarget(name: "Master", dependencies: ["Shared", "CSQLite", "CAssets"], swiftSettings: strict),
        .executableTarget(
            name: "Agent", dependencies: ["Shared", "CLinux"], exclude: ["Shim"], swiftSettings: strict),
        // Static, so that one shim per pod costs 2 MB and outlives an upgrade of the libraries below it.
        .executableTarget(
            name: "KotoShim", dependencies: ["CLinux"], path: "Sources/Agent/Shim",
            swiftSettings: strict + [.unsafeFlags(["-static-executable"])],
            linkerSettings: [.unsafeFlags(["-static-executable"])]),
        .executableTarget(
            name: "Console", dependencies: ["Shared", "CAssets", "CNcurses", "CLinux"], swiftSettings: strict),

        .target(name: "TestKit", dependencies: ["Shared"], path: "Tests/TestKit", swiftSettings: strict),
        .testTarget(name: "SharedTests", dependencies: ["Shared", "TestKit"], swiftSettings: strict),
        .testTarget(name: "MasterTests", dependencies: ["Master", "Shared", "TestKit"], swiftSettings: strict),
        .testTarget(name: "AgentTests", dependencies: ["Agent", "Shared", "TestKit"], swiftSettings: strict),
        .testTarget(name: "ConsoleTests", dependencies: ["Console", "Shared", "TestKit"], swiftSettings: strict),
        .testTarget(
            name: "ClusterTests", dependencies: ["Master", "Agent", "Shared", "TestKit"], swiftSettings: strict),
        .testTarget(name: "LinuxTests", dependencies: ["Agent", "Shared", "TestKit"], swiftSettings: strict),
        .testTarget(name: "TidyTests", dependencies: ["TestKit"], swiftSettings: strict),
        .testTarget(
            name: "EndToEnd", dependencies: ["Shared", "TestKit"], exclude: ["Matrix"], swiftSettings: strict),
        .executableTarget(
            name: "Bench", dependencies: ["Shared", "TestKit"], path: "Tests/Bench", swiftSettings: strict),
    ]
)
