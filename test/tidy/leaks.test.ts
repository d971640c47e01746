/** A kernel test that leaves something behind fails: proved on files that do so on purpose. */
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { expect, it } from "vitest";

interface Report {
  readonly testResults: readonly { readonly name: string; readonly status: string; readonly message: string }[];
}

it("fails each file that leaks, with what it leaks, and no other", { timeout: 60_000 }, () => {
  const { stdout } = spawnSync(
    process.execPath,
    ["node_modules/vitest/vitest.mjs", "run", "--config", "test/fixtures/leaky/vitest.config.ts", "--reporter", "json"],
    { encoding: "utf8", env: { ...process.env, VITEST: undefined, NO_COLOR: "1" } },
  );
  for (const [file] of stdout.matchAll(/\/run\/netns\/t\d+-\d+/g)) rmSync(file, { force: true });
  const report = JSON.parse(stdout.slice(stdout.indexOf("{"))) as Report;
  const results = Object.fromEntries(
    report.testResults.map((file) => [file.name.replace(/^.*\//, ""), `${file.status} ${file.message}`]),
  );
  expect(results).toEqual({
    "child.leak.ts": expect.stringMatching(/^failed .*child \d+ \(sleep\)/s),
    "descriptor.leak.ts": expect.stringMatching(/^failed .*descriptor \d+ -> \/etc\/hostname/s),
    "handle.leak.ts": expect.stringMatching(/^failed .*native handle: namespaces number 1/s),
    "netns.leak.ts": expect.stringMatching(/^failed .*\/run\/netns\/t\d+-0/s),
    "tidy.leak.ts": expect.stringMatching(/^passed/),
  });
});
