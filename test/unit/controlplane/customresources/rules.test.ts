import { describe, expect, it } from "vitest";
import { Rules } from "../../../../src/controlplane/apiserver/customresources/cel/rules.ts";
import { validateRules } from "../../../../src/controlplane/apiserver/customresources/cel/validate_rules.ts";
import { compile } from "../../../../src/controlplane/apiserver/customresources/schema/compile.ts";
import type {
  JsonSchema,
  ValidationRule,
} from "../../../../src/controlplane/apiserver/customresources/schema/json_schema.ts";
import { causesOf } from "../../../../src/controlplane/apiserver/validation/causes.ts";

const spec = (...rules: ValidationRule[]): JsonSchema => ({
  type: "object",
  properties: {
    spec: {
      type: "object",
      "x-kubernetes-validations": rules,
      properties: {
        replicas: { type: "integer" },
        minReplicas: { type: "integer" },
        ratio: { type: "number" },
        name: { type: "string" },
        "a-b": { type: "string" },
        since: { type: "string", format: "date-time" },
        memory: { "x-kubernetes-int-or-string": true },
        list: { type: "array", items: { type: "string" } },
        labels: { type: "object", additionalProperties: { type: "string" } },
        numbers: { type: "array", items: { type: "integer" } },
      },
    },
  },
});

function judged(rule: ValidationRule, value: object, old?: object): string[] {
  const rules = new Rules(compile(spec(rule)));
  const causes = causesOf((out) => rules.validate({ spec: value }, old && { spec: old }, out));
  return causes.map(({ field, message }) => `${field!}: ${message}`);
}

const failed = (rule: string, type = "object"): string => `spec: Invalid value: "${type}": failed rule: ${rule}`;

describe("rules", () => {
  it.each([
    ["self.minReplicas <= self.replicas", { minReplicas: 1, replicas: 2 }, { minReplicas: 3, replicas: 2 }],
    ["self.ratio > 0.5", { ratio: 1 }, { ratio: 0.25 }],
    ["has(self.name) && self.name.startsWith('a')", { name: "abc" }, {}],
    ["self.name.matches('^a+$')", { name: "aaa" }, { name: "b" }],
    ["self.a__dash__b == 'x'", { "a-b": "x" }, { "a-b": "y" }],
    ["self.list.all(x, x.size() < 3)", { list: ["a", "bb"] }, { list: ["aaa"] }],
    ["self.labels.all(k, self.labels[k] != '')", { labels: { a: "1" } }, { labels: { a: "" } }],
    ["'a' in self.labels", { labels: { a: "1" } }, { labels: { b: "" } }],
    ["self.numbers.sum() == 6 && self.numbers.max() == 3", { numbers: [1, 2, 3] }, { numbers: [1] }],
    ["self.list.isSorted()", { list: ["a", "b"] }, { list: ["b", "a"] }],
    ["type(self.memory) == int ? self.memory > 1 : self.memory == '1Gi'", { memory: "1Gi" }, { memory: 1 }],
    ["quantity(self.name).isGreaterThan(quantity('1Gi'))", { name: "2Gi" }, { name: "1Mi" }],
    [
      "self.since < timestamp('2020-01-01T00:00:00Z')",
      { since: "2019-01-01T00:00:00Z" },
      { since: "2021-01-01T00:00:00Z" },
    ],
    ["self.name.find('[0-9]+') == '12'", { name: "a12b" }, { name: "ab" }],
    ["self.?name.orValue('x') == 'x'", {}, { name: "y" }],
  ])("judge %s", (rule, right, wrong) => {
    expect(judged({ rule }, right)).toEqual([]);
    expect(judged({ rule }, wrong)).toEqual([failed(rule)]);
  });

  it("compare with the value before, and only where there is one", () => {
    const rule = { rule: "self.replicas >= oldSelf.replicas" };
    expect(judged(rule, { replicas: 1 })).toEqual([]);
    expect(judged(rule, { replicas: 2 }, { replicas: 1 })).toEqual([]);
    expect(judged(rule, { replicas: 1 }, { replicas: 2 })).toEqual([failed(rule.rule)]);
  });

  it("may ask for the value before even where there is none", () => {
    const rule = { rule: "oldSelf.hasValue() || self.replicas == 1", optionalOldSelf: true };
    expect(judged(rule, { replicas: 1 })).toEqual([]);
    expect(judged(rule, { replicas: 2 })).toEqual([failed(rule.rule)]);
    expect(judged(rule, { replicas: 3 }, { replicas: 2 })).toEqual([]);
  });

  it("do not judge again what an update leaves as it is", () => {
    expect(judged({ rule: "self.replicas > 5" }, { replicas: 1 }, { replicas: 1 })).toEqual([]);
  });

  it("tell their own message, reason and field", () => {
    const rule = {
      rule: "has(self.name)",
      message: "say a name",
      messageExpression: "'name it, for there are ' + string(self.replicas)",
      reason: "FieldValueRequired",
      fieldPath: ".name",
    };
    expect(judged(rule, { replicas: 3 })).toEqual(["spec.name: Required value: name it, for there are 3"]);
    expect(judged({ ...rule, messageExpression: "self.nothing" }, { replicas: 3 })).toEqual([
      "spec.name: Required value: say a name",
    ]);
  });

  it("fail where they cannot be evaluated", () => {
    const [message] = judged({ rule: "self.name == 'a'" }, {});
    expect(message).toBe(`spec: Invalid value: "object": No such key: name evaluating rule: self.name == 'a'`);
  });

  it("end when they cost too much", () => {
    const numbers = Array.from({ length: 2000 }, (_, i) => i);
    const started = performance.now();
    const [message] = judged({ rule: "self.numbers.all(x, self.numbers.all(y, x + y >= 0))" }, { numbers });
    expect(message).toContain("call cost exceeds limit for rule");
    expect(performance.now() - started).toBeLessThan(5000);
  });

  it("match in linear time whatever the pattern", () => {
    const started = performance.now();
    expect(judged({ rule: "!self.name.matches('^(a+)+$')" }, { name: `${"a".repeat(50_000)}!` })).toEqual([]);
    expect(performance.now() - started).toBeLessThan(2000);
  });
});

describe("a definition's rules", () => {
  const refused = (rule: ValidationRule): string[] =>
    causesOf((out) => validateRules(compile(spec(rule)), "schema", out)).map(({ message }) => message.split("\n")[0]!);

  it.each([
    [{ rule: "" }, /^Required value: rule is not specified/],
    [{ rule: "self.replicas +" }, /compilation failed/],
    [{ rule: "nothing == 1" }, /compilation failed/],
    [{ rule: "'text'" }, /must evaluate to a bool/],
    [{ rule: "ip(self.name).family() == 4" }, /compilation failed/],
    [{ rule: "true", message: "a\nb" }, /must not contain line breaks/],
    [{ rule: "true", reason: "Whatever" }, /^Unsupported value: "Whatever"/],
    [{ rule: "true", messageExpression: "1" }, /must evaluate to a string/],
    [{ rule: "true", optionalOldSelf: true }, /may not be set if oldSelf is not used/],
  ])("%j is refused", (rule, words) => {
    expect(refused(rule)).toEqual([expect.stringMatching(words)]);
  });

  it("may not compare items of lists that are taken whole", () => {
    const items = { type: "string", "x-kubernetes-validations": [{ rule: "self == oldSelf" }] };
    const schema = compile({ type: "object", properties: { list: { type: "array", items } } });
    expect(causesOf((out) => validateRules(schema, "schema", out))).toMatchObject([
      { message: expect.stringContaining("oldSelf cannot be used on the uncorrelatable portion of the schema") },
    ]);
  });
});
