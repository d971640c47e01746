/** The plugin's files on a node: whole or not at all, and nobody else's. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { renderConflist } from "../../../cni/conflist.ts";
import {
  installBinary,
  installStandalone,
  listsBefore,
  removeConflist,
  uninstallPrograms,
  writeConflist,
} from "../../../cni/install.ts";
import { createProgram } from "../../../src/cmd/program.ts";
import { pluginBinary, runPlugin } from "../../fixtures/cni_plugin.ts";

let folder: string;
let binDir: string;
let confDir: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "fairlead-install-"));
  binDir = path.join(folder, "opt/cni/bin");
  confDir = path.join(folder, "etc/cni/net.d");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const modeOf = (file: string): number => statSync(file).mode & 0o7777;

describe("the binary", () => {
  test("is there for all to run, also when a runtime is running the old one", async () => {
    const file = await installBinary(pluginBinary(), binDir);
    expect([file, modeOf(file)]).toEqual([path.join(binDir, "fairlead-cni"), 0o755]);
    // It waits for its standard input: a file that is being run cannot be written, only replaced.
    const running = runPlugin({ program: file, env: { CNI_COMMAND: "VERSION" }, stdin: "" });
    await installBinary(pluginBinary(), binDir);
    expect((await running).exitCode).toBe(0);
    expect(readdirSync(binDir)).toEqual(["fairlead-cni"]);
  });

  test("takes nobody else's place, and nobody else's is removed", async () => {
    mkdirSync(binDir, { recursive: true });
    writeFileSync(path.join(binDir, "fairlead-cni"), "#!/bin/sh\n");
    await expect(installBinary(pluginBinary(), binDir)).rejects.toMatchObject({
      code: "CNI_INSTALL",
      reason: expect.stringContaining("somebody else's"),
    });
    expect(await uninstallPrograms(binDir)).toEqual([]);
    expect(readFileSync(path.join(binDir, "fairlead-cni"), "utf8")).toBe("#!/bin/sh\n");
  });

  test("what cannot be put there leaves nothing", async () => {
    await expect(installBinary(path.join(folder, "nowhere"), binDir)).rejects.toMatchObject({ code: "CNI_INSTALL" });
    expect(readdirSync(binDir)).toEqual([]);
    writeFileSync(path.join(folder, "file"), "");
    await expect(installBinary(pluginBinary(), path.join(folder, "file/bin"))).rejects.toMatchObject({
      code: "CNI_INSTALL",
    });
  });

  test("the program without an agent passes strange paths on", async () => {
    const entry = path.join(folder, "it's $(here).js");
    writeFileSync(entry, 'process.stdout.write(`{"ran":true}`);');
    const program = await installStandalone(process.execPath, entry, binDir);
    expect(modeOf(program)).toBe(0o755);
    expect(await runPlugin({ program, env: {} })).toMatchObject({ exitCode: 0, stdout: '{"ran":true}' });
    await installBinary(pluginBinary(), binDir);
    expect((await uninstallPrograms(binDir)).map((file) => path.basename(file))).toEqual([
      "fairlead-cni",
      "fairlead-cni-standalone",
    ]);
    expect(readdirSync(binDir)).toEqual([]);
  });
});

describe("the configuration list", () => {
  const text = renderConflist({ plugin: { mode: "bridge" }, chained: [{ type: "tuning" }] });

  test("says what runtimes old and new read", () => {
    expect(JSON.parse(text)).toEqual({
      cniVersion: "1.0.0",
      cniVersions: ["0.3.1", "0.4.0", "1.0.0", "1.1.0"],
      name: "fairlead",
      plugins: [
        {
          type: "fairlead-cni",
          capabilities: { portMappings: true, bandwidth: true, ips: true, mac: true, aliases: true },
          mode: "bridge",
        },
        { type: "tuning" },
      ],
    });
  });

  test("is root's alone, written once, and goes", async () => {
    expect(await writeConflist(confDir, text)).toBe(true);
    const file = path.join(confDir, "10-fairlead.conflist");
    expect([readFileSync(file, "utf8"), modeOf(file)]).toEqual([text, 0o600]);
    const { ino } = statSync(file);
    expect(await writeConflist(confDir, text)).toBe(false);
    expect(statSync(file).ino).toBe(ino);
    expect(await writeConflist(confDir, renderConflist())).toBe(true);
    expect([await removeConflist(confDir), await removeConflist(confDir)]).toEqual([true, false]);
    expect(readdirSync(confDir)).toEqual([]);
  });

  test.each(['{"plugins":[{"type":"bridge"}]}', "{", "[]", "null", '{"plugins":[null]}', '{"type":"fairlead-cni"}'])(
    "another's of the same name stays: %s",
    async (others) => {
      mkdirSync(confDir, { recursive: true });
      const file = path.join(confDir, "10-fairlead.conflist");
      writeFileSync(file, others);
      await expect(writeConflist(confDir, text)).rejects.toMatchObject({ code: "CNI_INSTALL" });
      expect(await removeConflist(confDir)).toBe(false);
      expect(readdirSync(confDir)).toEqual(["10-fairlead.conflist"]);
      expect(readFileSync(file, "utf8")).toBe(others);
    },
  );

  test("those that a runtime takes before it are known", async () => {
    expect(await listsBefore(confDir)).toEqual([]);
    await writeConflist(confDir, text);
    for (const name of ["05-other.conf", "00-readme.txt", "10-calico.conflist", "99-loopback.conf"]) {
      writeFileSync(path.join(confDir, name), "{}");
    }
    expect(await listsBefore(confDir)).toEqual(["05-other.conf", "10-calico.conflist"]);
  });
});

describe("fairlead cni", () => {
  const run = async (...argv: string[]) => {
    const program = await createProgram(["cni", ...argv]);
    const written: string[] = [];
    const write = process.stdout.write.bind(process.stdout);
    process.stdout.write = (chunk: string) => (written.push(chunk), true);
    try {
      await program.parseAsync(["cni", ...argv, "--bin-dir", binDir, "--conf-dir", confDir], { from: "user" });
    } finally {
      process.stdout.write = write;
    }
    return written.join("");
  };

  test("installs, says when another network comes first, and uninstalls", async () => {
    expect(
      await run(
        "install",
        "--mode",
        "bridge",
        "--subnet",
        "10.9.0.7/24",
        "--subnet",
        "fd00:9::/64",
        "--ip-masq",
        "--socket",
        "/run/x.sock",
      ),
    ).toBe(`installed ${binDir}/fairlead-cni\nwrote ${confDir}/10-fairlead.conflist\n`);
    const { plugins }: { plugins: object[] } = JSON.parse(
      readFileSync(path.join(confDir, "10-fairlead.conflist"), "utf8"),
    ) as {
      plugins: object[];
    };
    expect(plugins).toEqual([
      expect.objectContaining({
        mode: "bridge",
        ipMasq: true,
        socket: "/run/x.sock",
        ipam: { ranges: [[{ subnet: "10.9.0.0/24" }], [{ subnet: "fd00:9::/64" }]] },
      }),
    ]);
    writeFileSync(path.join(confDir, "05-other.conf"), "{}");
    expect(await run("install", "--conf-name", "50-x.conflist")).toContain(
      "takes 05-other.conf of that folder before it",
    );
    expect(await run("uninstall")).toBe(`removed ${confDir}/10-fairlead.conflist\nremoved ${binDir}/fairlead-cni\n`);
    expect(readdirSync(confDir)).toEqual(["05-other.conf", "50-x.conflist"]);
  });

  test("leaves the configuration to the agent with --no-conf", async () => {
    await run("install", "--no-conf");
    expect(readdirSync(path.dirname(path.dirname(binDir)))).toEqual(["cni"]);
    expect(readdirSync(binDir)).toEqual(["fairlead-cni"]);
    expect(() => readdirSync(confDir)).toThrow("ENOENT");
  });

  test.each([
    ["--subnet", "10.9.0.0"],
    ["--mode", "macvlan"],
    ["--conf-name", "../x.conflist"],
    ["--conf-name", "10-fairlead.conf"],
    ["--network-name", "a/b"],
  ])("refuses %s %s", async (...argv) => {
    const stderr = process.stderr.write.bind(process.stderr);
    process.stderr.write = () => true;
    try {
      await expect(run("install", ...argv)).rejects.toThrow("invalid");
    } finally {
      process.stderr.write = stderr;
    }
    expect(readdirSync(folder)).toEqual([]);
  });
});
