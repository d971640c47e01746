/** `fairlead install` into a folder that stands for a system, judged by systemd itself. */
import { execFileSync, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { environment, launcher } from "../fixtures/fairlead_server.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(os.tmpdir(), "fairlead-install-"));
});
afterEach(() => rmSync(root, { recursive: true }));

const install = (...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(launcher, ["install", "--root", root, ...args], {
    encoding: "utf8",
    env: environment,
    timeout: 60_000,
  });
  return { status, stdout, stderr };
};
const fileOf = (unit: string): string => path.join(root, "etc/systemd/system", unit);
const isVerified = (): boolean => spawnSync("systemd-analyze", ["--version"]).status === 0;

describe("fairlead install", () => {
  test.each([
    { args: ["up", "--", "--nodes", "3"], unit: "fairlead.service", start: "up --keep-pods --nodes 3" },
    {
      args: ["server", "--", "--tls-san", "a name"],
      unit: "fairlead-server.service",
      start: 'server --tls-san "a name"',
    },
    {
      args: ["node", "--", "192.0.2.1:6443", "--node-name", "50%"],
      unit: "fairlead-node.service",
      start: "node join 192.0.2.1:6443 --node-name 50%% --keep-pods",
    },
  ])("writes and enables $unit, and removes it", ({ args, unit, start }) => {
    expect(install(...args)).toMatchObject({
      status: 0,
      stdout: expect.stringContaining("no systemd runs here that could be told"),
    });
    const text = readFileSync(fileOf(unit), "utf8");
    expect(text).toContain(`ExecStart=${launcher} ${start}\n`);
    expect(text.includes("KillMode=process")).toBe(unit !== "fairlead-server.service");
    expect(readlinkSync(fileOf(`multi-user.target.wants/${unit}`))).toBe(`/etc/systemd/system/${unit}`);
    // It reads every line, and says what it does not know.
    if (isVerified()) execFileSync("systemd-analyze", ["verify", "--man=no", fileOf(unit)], { stdio: "pipe" });
    expect(install(...args.slice(0, 1), "--uninstall")).toMatchObject({ status: 0 });
    expect(readdirSync(path.join(root, "etc/systemd/system"))).toEqual(["multi-user.target.wants"]);
    expect(readdirSync(fileOf("multi-user.target.wants"))).toEqual([]);
  });

  test("twice changes nothing, and without a unit there is none to remove", () => {
    expect(install("--uninstall").stdout).toBe("fairlead.service: there is none\n");
    install();
    const before = readFileSync(fileOf("fairlead.service"), "utf8");
    expect(install().status).toBe(0);
    expect(readFileSync(fileOf("fairlead.service"), "utf8")).toBe(before);
  });

  test("touches no unit of somebody else's", () => {
    mkdirSync(path.dirname(fileOf("x")), { recursive: true });
    writeFileSync(fileOf("fairlead.service"), "[Unit]\n");
    for (const args of [[], ["--uninstall"]]) {
      expect(install(...args)).toMatchObject({ status: 1, stderr: expect.stringContaining("it is somebody else's") });
    }
    expect(readFileSync(fileOf("fairlead.service"), "utf8")).toBe("[Unit]\n");
  });

  test("asks where a node is to join", () => {
    expect(install("node")).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("needs the API server's address"),
    });
    expect(existsSync(fileOf("fairlead-node.service"))).toBe(false);
  });
});
