import Testing

/// Data runs one way: a folder mentions only folders below it. The compiler does not check folders inside a module.
struct DirectionTests {
    /// From the lowest up. A folder may mention itself and those before it.
    private static let ranks: [String: [String]] = [
        "Shared": ["Base", "Model", "Wire", "Net", "Client", "Control"],
        "Master": [
            "Store", "Watch", "Registry", "Auth", "Admission", "Serve", "Caches", "Scheduler", "Controllers",
            "Commands",
        ],
        "Agent": ["Linux", "Shim", "Images", "Containers", "Volumes", "Network", "Pods", "Serve", "Sample", "Node"],
        "Console": ["View", "Terminal", "World", "Columns", "Insight", "Screens", "App", "Commands"],
    ]

    @Test(arguments: ["Shared", "Master", "Agent", "Console"]) func `a folder mentions only folders below it`(
        target: String
    )
        throws
    {
        let order = try #require(Self.ranks[target])
        let rank = Dictionary(uniqueKeysWithValues: order.enumerated().map { ("\(target)/\($1)", $0) })
        let uses = House.sources.uses(within: [target])
        var complaints: [String] = []
        for use in uses {
            guard let user = rank[use.user.folder], let owner = rank[use.owner.folder], owner > user else { continue }
            complaints.append("\(use.user.path) mentions \(use.name) of \(use.owner.folder)")
        }
        #expect(complaints.isEmpty, "\(complaints.count):\n\(complaints.sorted().joined(separator: "\n"))")
        let folders = Set(House.sources.files.filter { $0.target == target }.map(\.folder)).subtracting([target])
        #expect(folders.isSubset(of: rank.keys), "folders without a rank: \(folders.subtracting(rank.keys))")
    }

    @Test func `shared code mentions no program, and programs do not import each other`() {
        let programs: Set = ["Master", "Agent", "Console", "KotoShim"]
        for file in House.sources.files { #expect(file.imports.isDisjoint(with: programs), "\(file.path)") }
    }

    @Test func `only the registry and the composition name the store`() {
        let allowed: Set = [
            "Master/Store", "Master/Registry", "Master/Watch", "Master", "Master/Auth", "Master/Commands",
            "Master/Serve",
        ]
        for file in House.sources.files where file.target == "Master" && file.words.contains("Store") {
            #expect(allowed.contains(file.folder), "\(file.path) names Store")
        }
    }

    /// Which targets and folders may import what is not everybody's.
    @Test(arguments: [
        ("CSQLite", ["Master/Store"]), ("CNcurses", ["Console/Terminal"]), ("CTLS", ["Shared/Net"]),
        ("CAssets", ["Master/Registry", "Master/Serve", "Console/Commands"]),
        ("Foundation", ["Master/Controllers", "Console/Charts", "Console/Commands"]),
    ])
    func `special modules are imported where they belong`(module: String, folders: [String]) {
        for file in House.sources.files where file.imports.contains(module) {
            #expect(folders.contains(file.folder), "\(file.path) imports \(module)")
        }
    }
}
