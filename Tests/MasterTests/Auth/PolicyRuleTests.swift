import Shared
import Testing

@testable import Master

struct PolicyRuleTests {
    private static func rule(
        _ verbs: [String], _ resources: [String], groups: [String] = [""], names: [String] = []
    ) -> PolicyRule {
        PolicyRule(verbs: verbs, apiGroups: groups, resources: resources, resourceNames: names)
    }

    @Test func `what one holds in pieces covers what is granted as a whole`() {
        let held = [Self.rule(["get"], ["pods"]), Self.rule(["list"], ["pods", "services"])]
        #expect(PolicyRule.missing([Self.rule(["get", "list"], ["pods"])], in: held).isEmpty)
        let missing = PolicyRule.joined(PolicyRule.missing([Self.rule(["get", "list"], ["services"])], in: held))
        #expect(missing == [Self.rule(["get"], ["services"])])
        #expect(missing.map(\.text) == [#"{APIGroups:[""], Resources:["services"], Verbs:["get"]}"#])
    }

    @Test func `names, subresources and paths are covered as their wildcards say`() {
        let named = [Self.rule(["get"], ["secrets"], names: ["a"])]
        #expect(!PolicyRule.missing([Self.rule(["get"], ["secrets"])], in: named).isEmpty)
        #expect(PolicyRule.missing([Self.rule(["get"], ["secrets"], names: ["a"])], in: named).isEmpty)
        let status = [Self.rule(["update"], ["*/status"], groups: ["*"])]
        #expect(PolicyRule.missing([Self.rule(["update"], ["pods/status"], groups: ["x"])], in: status).isEmpty)
        #expect(!PolicyRule.missing([Self.rule(["update"], ["pods"], groups: ["x"])], in: status).isEmpty)
        let paths = [PolicyRule(verbs: ["get"], nonResourceURLs: ["/a/*"])]
        #expect(PolicyRule.missing([PolicyRule(verbs: ["get"], nonResourceURLs: ["/a/b*"])], in: paths).isEmpty)
        #expect(!PolicyRule.missing([PolicyRule(verbs: ["get"], nonResourceURLs: ["*"])], in: paths).isEmpty)
    }

    @Test func `a rule of very many parts is not granted because its first parts are held`() {
        let many = (0..<400).map { "r\($0)" }
        let held = [Self.rule(many, many)]
        #expect(PolicyRule.missing([Self.rule(many, many)], in: held).isEmpty)
        #expect(!PolicyRule.missing([Self.rule(many, many + ["secrets"])], in: held).isEmpty)
    }

    @Test func `default roles get back what was taken from them and keep what was added`() throws {
        let wanted = try #require(BootstrapRoles.all.first { $0["metadata"]["name"] == "system:kube-dns" })
        var stored = wanted
        stored["rules"] = [Self.rule(["get"], ["nodes"]).json]
        let new = try #require(BootstrapRoles.reconciled(stored, wanted: wanted))
        #expect(new["rules"][0] == stored["rules"][0])
        #expect(
            PolicyRule.missing(wanted["rules"].items.map(PolicyRule.init), in: new["rules"].items.map(PolicyRule.init))
                .isEmpty)
        #expect(BootstrapRoles.reconciled(new, wanted: wanted) == nil)
        stored["metadata"]["annotations"][BootstrapRoles.autoUpdate] = "false"
        #expect(BootstrapRoles.reconciled(stored, wanted: wanted) == nil)
    }
}
