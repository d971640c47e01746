/** The import rules: each finds its violation, and nothing else. */
import { createRequire } from "node:module";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ScratchProject } from "./scratch_project.ts";

interface CruiseResult {
  readonly summary: {
    readonly violations: readonly { readonly from: string; readonly rule: { readonly name: string } }[];
  };
}

let project: ScratchProject;
let found: Record<string, string[]>;

beforeAll(() => {
  project = new ScratchProject("imports");
  const result = project.runForJson("depcruise", ["--output-type", "json", "src", "cni", "test"]) as CruiseResult;
  found = Object.fromEntries(Object.keys(project.announced()).map((file) => [file, []]));
  for (const { from, rule } of result.summary.violations) found[from] = [...(found[from] ?? []), rule.name].sort();
}, 60_000);

afterAll(() => {
  project.remove();
});

test("each wrong import is found, by the rule that it violates", () => {
  expect(found).toEqual(project.announced());
});

test("every rule has a violation that shows it works", () => {
  const { forbidden } = createRequire(import.meta.url)("../../.dependency-cruiser.cjs") as {
    forbidden: { name: string }[];
  };
  const shown = new Set(Object.values(project.announced()).flat());
  expect(forbidden.map(({ name }) => name).filter((name) => !shown.has(name))).toEqual([]);
});

test("a wrong import fails the lint", () => {
  expect(project.run("scripts/lint", ["imports"]).status).not.toBe(0);
}, 60_000);
