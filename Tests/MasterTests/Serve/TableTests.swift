import Shared
import TestKit
import Testing

@testable import Master

struct TableTests {
    @Test(.enabled(if: Golden.has("tables.jsonl")))
    func `cells are those of a real server`() {
        var rate = PassRate()
        let now = Timestamp(seconds: 1_700_000_000)
        for line in Golden.lines("tables.jsonl")
        where line["object"]["kind"] != "PartialObjectMetadata" && !line["cells"].isNull {
            let parts = (line["resource"].string ?? "").split(separator: " ").map(String.init)
            guard parts.count == 2 else { continue }
            let group = parts[0].contains("/") ? String(parts[0].split(separator: "/")[0]) : ""
            guard let resource = Registry.builtIn.resource(GroupResource(group: group, parts[1])) else { continue }
            let columns = Table.columns(of: resource).map(\.name)
            let mine = Table.cells(resource, line["object"], now: now)
            var misses: [String] = []
            for (column, cell) in zip(line["columns"].items, line["cells"].items) {
                let name = column["name"].string ?? ""
                guard let index = columns.firstIndex(of: name) else {
                    misses.append("no column \(name)")
                    continue
                }
                let wanted = cell.string ?? cell.encodedText
                let got = mine[index].string ?? mine[index].encodedText
                let isTime = wanted.contains("<") && !["<none>", "<unset>", "<unknown>"].contains(wanted)
                let isNewer =
                    name == "Restarts" && got.hasPrefix(wanted) || name == "Targets" && got.hasSuffix(wanted)
                    || name == "Status" && parts[1] == "pods" && wanted == "Terminating"
                if got != wanted, !isTime, !isNewer { misses.append("\(name): \(got) want \(wanted)") }
            }
            rate.note(line["resource"].string ?? "", misses.isEmpty, "\(line["id"].string ?? ""): \(misses)")
        }
        print("tables:\n\(rate.summary)\n" + rate.failures.prefix(40).joined(separator: "\n"))
        #expect(rate.share > 0.9)
    }

    @Test func `a table names its columns and carries metadata`() throws {
        let resource = try #require(Registry.builtIn.resource(GroupResource("configmaps")))
        let object: JSON = ["metadata": ["name": "a", "namespace": "b"], "data": ["x": "y"]]
        let table = Table.make(resource, [object], now: Timestamp(seconds: 0), listMetadata: ["resourceVersion": "7"])
        #expect(table["rows"][0]["cells"] == ["a", 1, "<unknown>"])
        #expect(table["rows"][0]["object"]["kind"] == "PartialObjectMetadata")
        #expect(table["metadata"]["resourceVersion"] == "7")
    }
}
