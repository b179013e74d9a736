import Shared
import Testing

struct JSONMemberTests {
    private func metadata(_ text: String) -> JSON? {
        guard let metadata = try? JSON(member: "metadata", parsing: Array(text.utf8)), !metadata.isNull else {
            return nil
        }
        return metadata
    }

    @Test(arguments: [
        #"{"kind":"PodList","metadata":{"continue":"t","remainingItemCount":7},"items":[{"metadata":{"continue":"no"}}]}"#,
        #"{ "items" : [ {"a":"}]\"" , "metadata":{"continue":"no"} }, [[]], -1.5e3, true ], "metadata" : {"continue":"t","remainingItemCount":7} }"#,
        #"{"kind":"\"metadata\":{","metadata":{"remainingItemCount":7,"continue":"t","text":"{\\"},"items":null}"#,
    ])
    func `the metadata of a list is found wherever it stands`(text: String) throws {
        let metadata = try #require(self.metadata(text))
        #expect(metadata["continue"].string == "t")
        #expect(metadata["remainingItemCount"].int == 7)
    }

    @Test(arguments: [
        "", "[]", "{}", "{", #"{"metadata""#, #"{"metadata":"#, #"{"metadata":{"#, #"{"metadata":{"a":"b\"#,
        #"{"items":[{"metadata":{}}]}"#, "null", #"{"a":1"#, #"{"metadata":}"#,
    ])
    func `what is no list, or is cut, has none`(text: String) {
        #expect(metadata(text) == nil)
    }

    @Test func `a value nested very deep is stepped over`() {
        let deep = String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000)
        #expect(metadata(#"{"a":\#(deep),"metadata":{"x":1}}"#) == ["x": 1])
    }
}
