/** The format of every language, and what shellcheck finds: a violation fails `scripts/lint`. */
import { rmSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ScratchProject } from "./scratch_project.ts";

let project: ScratchProject;

beforeEach(() => {
  project = new ScratchProject("files");
});

afterEach(() => {
  project.remove();
});

test.each([
  { check: "format", wrong: "ragged.ts", right: "neat.ts" },
  { check: "native", wrong: "native/ragged.cc", right: "native/neat.cc" },
  { check: "shell", wrong: "scripts/careless", right: "scripts/careful" },
])(
  "$wrong fails the lint, $right passes it",
  ({ check, wrong, right }) => {
    const failing = project.run("scripts/lint", [check]);
    expect(failing.status).not.toBe(0);
    expect(failing.output).toContain(wrong);
    expect(failing.output).not.toContain(right);
    rmSync(path.join(project.folder, wrong));
    expect(project.run("scripts/lint", [check])).toMatchObject({ status: 0 });
  },
  60_000,
);
