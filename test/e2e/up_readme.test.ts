/**
 * The README's commands, run as they stand there on what looks like a machine of its own; and that machine as a whole,
 * before them and after them.
 */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { environment } from "../fixtures/fairlead_server.ts";

const run = promisify(execFile);
const readme = readFileSync("README.md", "utf8");
const code = readme.split("\n").filter((line) => line.startsWith("    "));
/** This is one of its tests. */
const runsThis = "npm test";

interface Shown {
  readonly command: string;
  readonly says: string[];
}

/** "$ command" in a block of code, and the lines behind it that it says. */
function commandsOf(text: string): readonly Shown[] {
  const commands: Shown[] = [];
  let last: Shown | undefined;
  for (const line of text.split("\n").filter((one) => one.trim() !== "")) {
    if (line.startsWith("    $ ")) commands.push((last = { command: line.slice(6).replace(/\s+#.*/, ""), says: [] }));
    else if (line.startsWith("    ")) last?.says.push(line.slice(4));
    else last = undefined;
  }
  return commands;
}

/** What a line begins with, where that is the same each time: the name of a step, or of a column. */
const beginning = (line: string): string =>
  (
    line
      .replace(/^(✓ node) \S+ /, "$1  ")
      .trim()
      .split(/ {2,}|: \d/)[0] ?? ""
  )
    .replace(/demo-\w+-\w+/, "POD")
    .replaceAll(/\d[\d.]*/g, "N");

/** Whatever a machine has that a cluster could leave; one section each, for `sh`. */
const machine = `
echo "links:"; ip -oneline link | cut -d: -f2
echo "addresses:"; ip -oneline address | grep -v fe80
echo "routes:"; ip route show table all | grep -v fe80
echo "nftables:"; nft list ruleset
echo "programs on links:"; bpftool net | grep -v '^$'
echo "pinned:"; find /sys/fs/bpf -mindepth 1 2>/dev/null
echo "mounts:"; cut -d' ' -f5 /proc/self/mountinfo
echo "namespaces:"; lsns --noheadings --output TYPE,NS,NPROCS 2>/dev/null | sort | awk '{print $1}' | uniq -c
echo "processes:"; ps -e -o comm= | grep -Ev '^(sh|ps|grep|sort)$' | sort
echo "control groups:"; ls -d /sys/fs/cgroup/fairlead /sys/fs/cgroup/*/fairlead 2>/dev/null
`;

it("has commands that do what it shows, and that leave nothing on the machine", async () => {
  const commands = commandsOf(readme);
  expect(commands.map(({ command }) => command)).toContain(runsThis);
  // A command that is not marked as one would not be run.
  expect(code.filter((line) => /^ {4}(sudo|\.\/|fairlead|kubectl|npm|curl)/.test(line))).toEqual([]);
  // Control groups are one thing that is the whole machine's.
  const isTaken = ["", "memory/"].some((one) => existsSync(`/sys/fs/cgroup/${one}fairlead`));
  expect(isTaken, "a cluster of 'fairlead up' runs on this machine").toBe(false);

  const folder = mkdtempSync(path.join(tmpdir(), "fairlead-readme-"));
  try {
    const mine = commands.filter(({ command }) => command !== runsThis);
    const marked = mine.map(({ command }) => `echo "$ ${command}"\n${command}`);
    const script = ["set -e", `cd ${process.cwd()}`, "machine() {", machine, "true", "}"];
    writeFileSync(
      path.join(folder, "script"),
      [
        ...script,
        "machine >/tmp/before || :",
        ...marked,
        "echo '$ end'",
        "machine >/tmp/after || :",
        "cat /tmp/before",
        "echo '$ after'",
        "cat /tmp/after",
        "rm /tmp/before /tmp/after",
      ].join("\n"),
    );
    const changed = path.join(folder, "changed");
    writeFileSync(changed, "");
    const helper = path.resolve("test/fixtures/own_machine.sh");
    const root = mkdtempSync(path.join(folder, "root-"));
    const words = ["--mount", "--pid", "--net", "--fork", "--kill-child", helper, root, changed];
    const options = { env: environment, timeout: 240_000, maxBuffer: 1 << 24 };
    const { stdout } = await run("unshare", [...words, "sh", path.join(folder, "script")], options);

    const said = new Map(stdout.split(/^\$ /m).map((part) => [part.split("\n")[0]!, part.split("\n").slice(1)]));
    for (const { command, says } of mine) {
      const actual = said.get(command)!.map(beginning);
      expect(actual, command).toEqual(expect.arrayContaining(says.map(beginning)));
    }
    expect(said.get("after")).toEqual(said.get("end"));
    // The folder in which mount(8) keeps its own notes, and kubectl's cache, which is its user's.
    const isOthers = (name: string): boolean => /^\/run\/mount(\/|$)|^\/root\/\.kube(\/cache(\/|$)|$)/.test(name);
    expect(
      readFileSync(changed, "utf8")
        .split("\n")
        .filter((name) => name !== "" && !isOthers(name)),
    ).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 300_000);
