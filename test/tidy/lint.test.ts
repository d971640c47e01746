/** The lint rules that the design counts on: each finds its violation, and nothing else. */
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ScratchProject } from "./scratch_project.ts";

interface LintResult {
  readonly filePath: string;
  readonly messages: readonly { readonly ruleId: string | null }[];
}

let project: ScratchProject;
let found: Record<string, (string | null)[]>;

beforeAll(() => {
  project = new ScratchProject("code");
  const results = project.runForJson("eslint", ["--format", "json", "src"]) as LintResult[];
  found = Object.fromEntries(
    results.map(({ filePath, messages }) => [
      path.relative(project.folder, filePath),
      messages.map(({ ruleId }) => ruleId),
    ]),
  );
}, 60_000);

afterAll(() => {
  project.remove();
});

test("each violation is found, by the rule that it violates", () => {
  expect(found).toEqual(project.announced());
});

test("an unhandled promise fails the lint", () => {
  expect(found["src/unhandled_promise.ts"]).toEqual(["@typescript-eslint/no-floating-promises"]);
  expect(project.run("scripts/lint", ["code"]).status).not.toBe(0);
}, 60_000);
