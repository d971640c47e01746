/** The launcher starts the proxy from its bundle, with code that was compiled before: V8 takes it without a word, or leaves it. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const run = promisify(execFile);
const at = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const main = at("dist/proxy/main.cjs");
const flags = /exec node (.*) "\$main"/.exec(readFileSync(at("fairlead"), "utf8"))![1]!.split(" ");
const isRejected = `const { compile, cached } = require(${JSON.stringify(main)}); console.log(compile(cached()).cachedDataRejected)`;

describe("the proxy's bundle", () => {
  it("has compiled code that V8 takes with the launcher's flags", async () => {
    expect((await run("node", [...flags, "-e", isRejected])).stdout).toBe("false\n");
  });

  it("starts where V8 does not take it, too", async () => {
    const others = ["--max-semi-space-size=3"];
    expect((await run("node", [...others, "-e", isRejected])).stdout).toBe("true\n");
    const { stdout } = await run("node", [...others, main, "proxy", "--help"]);
    expect(stdout).toContain("--proxy-mode <mode>");
  });

  it("finds the commands that are not in it", async () => {
    expect((await run("node", [...flags, main, "version"])).stdout).toContain("add-on   loaded");
  });
});
