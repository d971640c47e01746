/** fairlead-up, which sleeps in `up`'s place: with a small program in the place of node. */
import { spawn, type ChildProcess } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, expect, it } from "vitest";
import { identityOf, notePid } from "../../src/up/processes.ts";
import { eventually } from "../fixtures/eventually.ts";
import { root } from "../fixtures/fairlead_server.ts";

const watcher = path.join(root, "dist/watcher/fairlead-up");
/** Says that it was begun, and why; then does what the file of its turn's number says, or sleeps with the notes. */
const program = `
echo "\${FAIRLEAD_WOKEN:-begun}" >> "$1/starts"
turn=$(wc -l < "$1/starts")
if [ -f "$1/turn-$turn" ]; then . "$1/turn-$turn"; fi
set -- "$1" $FAIRLEAD_WATCHER
cat "$1/notes" >&$3
exit 75
`;

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanups.splice(0).reverse()) clean();
});

interface Sleeper {
  readonly folder: string;
  readonly child: ChildProcess;
  readonly exited: Promise<number | NodeJS.Signals>;
  readonly starts: () => readonly string[];
  readonly file: (name: string) => string;
  /** Resolves when it runs no program, after so many starts. */
  readonly asleep: (starts: number) => Promise<void>;
}

/** @param turns what the program does, by the number of its start */
function sleeper(notes: (folder: string) => string, turns: Readonly<Record<number, string>> = {}): Sleeper {
  const folder = mkdtempSync(path.join(tmpdir(), "fairlead-watcher-"));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  const file = (name: string): string => path.join(folder, name);
  writeFileSync(file("notes"), notes(folder));
  for (const [turn, script] of Object.entries(turns)) writeFileSync(file(`turn-${turn}`), script);
  const child = spawn(watcher, ["sh", "-c", program, "program", folder], { stdio: "ignore" });
  cleanups.push(() => child.kill("SIGKILL"));
  const exited = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once("exit", (code, signal) => resolve(code ?? signal!));
  });
  const starts = (): readonly string[] =>
    existsSync(file("starts")) ? readFileSync(file("starts"), "utf8").trim().split("\n") : [];
  const asleep = async (count: number): Promise<void> => {
    await eventually(`start ${count}`, () => starts().length >= count);
    await eventually("sleep", () => childrenOf(child.pid!).length === 0);
  };
  return { folder, child, exited, starts, file, asleep };
}

function childrenOf(pid: number): readonly string[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean);
}

function otherProcess(): ChildProcess {
  const child = spawn("sleep", ["60"]);
  cleanups.push(() => child.kill("SIGKILL"));
  return child;
}

const kib = (pid: number, name: string): number =>
  Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]);

it("ends as its program ends, where that does not say that it may sleep", async () => {
  const { exited, starts } = sleeper(() => "", { 1: "exit 3" });
  expect(await exited).toBe(3);
  expect(starts()).toEqual(["begun"]);
});

it("passes signals on, and ends with the program that heard them", async () => {
  const { child, exited, starts, file } = sleeper(() => "", {
    1: 'trap "exit 4" TERM; touch "$1/ready"; while :; do sleep 0.05; done',
  });
  await eventually("the program", () => existsSync(file("ready")));
  child.kill("SIGTERM");
  expect(await exited).toBe(4);
  expect(starts()).toEqual(["begun"]);
});

it("sleeps in little memory while all is as noted, and wakes when a process ends", async () => {
  const other = otherProcess();
  const { child, starts, asleep } = sleeper((folder) => {
    notePid(path.join(folder, "pid"), other.pid!);
    return `runs - ${folder}/pid\n`;
  });
  await asleep(1);
  expect(kib(child.pid!, "VmRSS")).toBeLessThan(2000);
  await new Promise((resolve) => setTimeout(resolve, 1200));
  expect(starts()).toEqual(["begun"]);
  other.kill("SIGKILL");
  await eventually("a start", () => starts().length > 1);
  expect(starts()[1]).toBe("change");
});

it("takes a process that nobody has waited for as ended", async () => {
  const { file, starts } = sleeper((folder) => `runs - ${folder}/pid\n`, {
    1: 'sh -c "sleep 0.4 & echo \\$! > $1/number; exec sleep 60" & until [ -s "$1/pid" ]; do sleep 0.02; done',
  });
  const pid = await eventually("a process", () => existsSync(file("number")) && Number(readFileSync(file("number"))));
  const parent = Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]);
  cleanups.push(() => process.kill(parent, "SIGKILL"));
  notePid(file("pid"), pid);
  await eventually("a start", () => starts().length > 1);
  expect(readFileSync(`/proc/${pid}/stat`, "utf8")).toContain(") Z ");
});

it("takes a number that is used again for another process", async () => {
  const { starts } = sleeper((folder) => {
    const [pid, started] = identityOf(otherProcess().pid!)!.split(" ");
    writeFileSync(path.join(folder, "pid"), `${pid} ${Number(started) - 1}\n`);
    return `runs - ${folder}/pid\n`;
  });
  await eventually("a start", () => starts().length > 1);
});

it("wakes when a file comes, changes or goes, and when one grows too long", async () => {
  const mark = (folder: string): string => path.join(folder, "mark");
  const changes: [(folder: string) => string, (folder: string) => void, string][] = [
    [() => "-", (folder) => writeFileSync(mark(folder), ""), "comes"],
    [time, (folder) => utimesSync(mark(folder), 1, 1), "changes"],
    [time, (folder) => rmSync(mark(folder)), "goes"],
  ];
  function time(folder: string): string {
    writeFileSync(mark(folder), "");
    return String(statSync(mark(folder), { bigint: true }).mtimeNs);
  }
  await Promise.all(
    changes.map(async ([noted, change, what]) => {
      const { folder, starts, asleep } = sleeper((inside) => `same ${noted(inside)} ${mark(inside)}\n`);
      await asleep(1);
      expect(starts()).toEqual(["begun"]);
      change(folder);
      await eventually(`a start when a file ${what}`, () => starts().length > 1);
    }),
  );
  const { file, starts, asleep } = sleeper((folder) => `at-most 3 ${folder}/log\n`);
  await asleep(1);
  for (let i = 0; i < 3; i++) appendFileSync(file("log"), "x");
  await new Promise((resolve) => setTimeout(resolve, 700));
  expect(starts()).toEqual(["begun"]);
  appendFileSync(file("log"), "x");
  await eventually("a start", () => starts().length > 1);
});

it("does not sleep on what it does not understand", async () => {
  const { starts } = sleeper(() => "as-before 1 /nowhere\n");
  await eventually("a start", () => starts().length > 1);
});

it.each(["SIGINT", "SIGTERM"] as const)("begins the program anew at %s, and ends with it", async (signal) => {
  const { child, exited, starts, asleep } = sleeper(() => "same - /nowhere/at/all\n", { 2: "exit 5" });
  await asleep(1);
  child.kill(signal);
  expect(await exited).toBe(5);
  expect(starts()).toEqual(["begun", signal]);
});

it("loses no signal that comes while the program falls asleep, or before it listens", async () => {
  const asleep = "same - /nowhere/at/all\n";
  const ignores = 'trap "" TERM; touch "$1/ready"; sleep 0.5; trap - TERM';
  const falling = sleeper(() => asleep, { 1: ignores, 2: "exit 6" });
  await eventually("the program", () => existsSync(falling.file("ready")));
  falling.child.kill("SIGTERM");
  expect(await falling.exited).toBe(6);
  expect(falling.starts()).toEqual(["begun", "SIGTERM"]);

  // The second program dies of it, as node does in its first moments.
  const early = sleeper((folder) => `same - ${folder}/mark\n`, { 2: 'touch "$1/ready"; exec sleep 60', 3: "exit 7" });
  await early.asleep(1);
  writeFileSync(early.file("mark"), "");
  await eventually("the second program", () => existsSync(early.file("ready")));
  early.child.kill("SIGTERM");
  expect(await early.exited).toBe(7);
  expect(early.starts()).toEqual(["begun", "change", "SIGTERM"]);
});

it("begins a program again that was woken and failed: somebody has to watch", async () => {
  const { file, starts } = sleeper((folder) => `same - ${folder}/mark\n`, { 2: "exit 1" });
  await eventually("the first", () => starts().length > 0);
  writeFileSync(file("mark"), "");
  await eventually("the third", () => starts().length > 2);
  expect(starts().slice(0, 3)).toEqual(["begun", "change", "change"]);
});

it("takes its program with it when it is killed, and what the program left runs on and is reaped", async () => {
  const leaves = 'sh -c "sleep 0.3" & echo $! > "$1/left"; sh -c "exec sleep 60" & echo $! > "$1/stays"';
  const { child, file, starts, exited } = sleeper((folder) => `same - ${folder}/mark\n`, {
    1: leaves,
    2: 'echo $$ > "$1/second"; exec sleep 60',
  });
  await eventually("the first", () => starts().length > 0);
  const pid = (name: string): number => Number(readFileSync(file(name), "utf8"));
  const isThere = (name: string): boolean => existsSync(`/proc/${pid(name)}`);
  await eventually("the end of what ended", () => existsSync(file("left")) && !isThere("left"));
  expect(childrenOf(child.pid!)).toEqual([String(pid("stays"))]);
  writeFileSync(file("mark"), "");
  await eventually("the second", () => existsSync(file("second")) && pid("second") > 0);
  child.kill("SIGKILL");
  expect(await exited).toBe("SIGKILL");
  await eventually("its end", () => !isThere("second"));
  expect(isThere("stays")).toBe(true);
  process.kill(pid("stays"), "SIGKILL");
  await eventually("the end of all", () => !isThere("stays"));
});
