/** A container's log file as clients see it: form, ends, times, following. */
import {
  appendFileSync,
  mkdtempSync,
  openSync,
  closeSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loggedContainer } from "../../../src/kubelet/server/logs/container_logs.ts";
import { LogFormatter } from "../../../src/kubelet/server/logs/formatter.ts";
import { fixedTime, parseLogLine } from "../../../src/kubelet/server/logs/line.ts";
import { logOptions, type LogOptions } from "../../../src/kubelet/server/logs/options.ts";
import { LogReader } from "../../../src/kubelet/server/logs/read.ts";
import { sinceStart, tailStart } from "../../../src/kubelet/server/logs/start.ts";
import { eventually } from "../../fixtures/eventually.ts";
import fc from "../../fixtures/property.ts";
import { podOf } from "../../fixtures/kubelet_objects.ts";

let folder = "";
beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), "fairlead-logs-"))));
afterEach(() => rmSync(folder, { recursive: true }));

const at = (seconds: number): string => new Date(Date.UTC(2026, 0, 1) + seconds * 1000).toISOString();
const line = (text: string, seconds = 0, stream = "stdout", tag = "F"): string =>
  `${at(seconds)} ${stream} ${tag} ${text}\n`;

describe("a line", () => {
  it("has a time, a stream, tags and a text", () => {
    const bytes = Buffer.from("2016-10-06T00:17:09.669794202+02:00 stderr P:x log content \n");
    const parsed = parseLogLine(bytes)!;
    expect(parsed).toMatchObject({ time: "2016-10-06T00:17:09.669794202+02:00", stream: "stderr", isPartial: true });
    expect(bytes.subarray(parsed.textAt).toString()).toBe("log content \n");
  });

  it.each([
    "",
    "words",
    '{"log":"docker"}',
    "2016-10-06 stdout F a",
    "2016-10-06T00:17:09Z stdin F a",
    "2016-10-06T00:17:09Z stdout",
  ])("in another form is none: %s", (text) => expect(parseLogLine(Buffer.from(text))).toBeUndefined());

  it("shows its time with nine digits", () => {
    expect(fixedTime("2016-10-06T00:17:09Z")).toBe("2016-10-06T00:17:09.000000000Z");
    expect(fixedTime("2016-10-06T00:17:09.12+02:00")).toBe("2016-10-06T00:17:09.120000000+02:00");
  });
});

describe("a formatter", () => {
  const format = (text: string, options: Partial<ConstructorParameters<typeof LogFormatter>[0]> = {}): string => {
    const formatter = new LogFormatter({
      timestamps: false,
      limitBytes: undefined,
      sinceMs: undefined,
      stream: undefined,
      ...options,
    });
    return formatter.push(Buffer.from(text)).toString() + formatter.end().toString();
  };

  it("joins what the runtime has cut, and gives a line one time", () => {
    const text = line("one ", 0, "stdout", "P") + line("and two") + line("three", 1);
    expect(format(text)).toBe("one and two\nthree\n");
    expect(format(text, { timestamps: true })).toBe(
      "2026-01-01T00:00:00.000000000Z one and two\n2026-01-01T00:00:01.000000000Z three\n",
    );
  });

  it("leaves out what is older, another stream's, or unreadable", () => {
    const text = line("old", 0) + "garbage\n" + line("err", 5, "stderr") + line("new", 5);
    expect(format(text, { sinceMs: Date.UTC(2026, 0, 1, 0, 0, 5) })).toBe("err\nnew\n");
    expect(format(text, { stream: "stderr" })).toBe("err\n");
  });

  it("ends at a number of bytes or lines", () => {
    const text = line("12345") + line("678") + line("9");
    expect(format(text, { limitBytes: 8 })).toBe("12345\n67");
    expect(format(text, { maxLines: 2 })).toBe("12345\n678\n");
  });

  it("gives the same however the file is cut into chunks", () => {
    const text = Array.from({ length: 30 }, (_, n) =>
      line(`text ${n} ${"x".repeat(n * 7)}`, n, n % 3 ? "stdout" : "stderr", n % 5 ? "F" : "P"),
    ).join("");
    const whole = format(text, { timestamps: true });
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1 }), (sizes) => {
        const formatter = new LogFormatter({
          timestamps: true,
          limitBytes: undefined,
          sinceMs: undefined,
          stream: undefined,
        });
        let out = "";
        for (let from = 0, n = 0; from < text.length; n++) {
          const size = sizes[n % sizes.length]!;
          out += formatter.push(Buffer.from(text.slice(from, from + size))).toString();
          from += size;
        }
        return out + formatter.end().toString() === whole;
      }),
    );
  });

  it("keeps no line whole that is longer than its bound", () => {
    const formatter = new LogFormatter({
      timestamps: true,
      limitBytes: undefined,
      sinceMs: undefined,
      stream: undefined,
    });
    const part = Buffer.alloc(64 * 1024, "y");
    let out = formatter.push(Buffer.from(line("").trimEnd() + " ")).length;
    for (let n = 0; n < 64; n++) out += formatter.push(part).length;
    // All of 4 MiB but the last quarter of one is out already, long before the line ends.
    expect(out).toBeGreaterThan(63 * 64 * 1024 - 256 * 1024);
    const end = formatter.push(Buffer.from(`z\n${line("next", 1)}`)).toString();
    expect(end).toMatch(/^y*z\n2026-01-01T00:00:01\.000000000Z next\n$/);
  });
});

describe("where a log begins", () => {
  const write = (text: string): string => {
    const file = path.join(folder, "0.log");
    writeFileSync(file, text);
    return file;
  };

  it("is before its last lines, however long they are", async () => {
    const lines = Array.from({ length: 5000 }, (_, n) => line(`${n} ${"x".repeat((n * 37) % 200)}`, n));
    const file = write(lines.join(""));
    const handle = await open(file);
    try {
      const { size } = await handle.stat();
      for (const wanted of [0, 1, 2, 700, 4999, 5000, 9000]) {
        const start = await tailStart(handle, size, wanted);
        expect(size - start).toBe(wanted === 0 ? 0 : lines.slice(-wanted).join("").length);
      }
    } finally {
      await handle.close();
    }
  });

  it("is before the first line of a time, found in a few reads", async () => {
    const lines = Array.from({ length: 40_000 }, (_, n) => line(`${n} ${"x".repeat(60)}`, n));
    const handle = await open(write(lines.join("")));
    const { size } = await handle.stat();
    let reads = 0;
    const counting = new Proxy(handle, {
      get: (target, name) =>
        name === "read"
          ? (...args: Parameters<typeof handle.read>) => (reads++, target.read(...args))
          : (Reflect.get(target, name) as unknown),
    });
    try {
      for (const second of [0, 1, 20_000, 39_999, 50_000]) {
        const start = await sinceStart(counting, 0, size, Date.UTC(2026, 0, 1) + second * 1000);
        const first = lines.slice(0, second).join("").length;
        expect(start).toBeLessThanOrEqual(first);
        expect(Math.min(first, size) - start).toBeLessThan(1024 * 1024);
      }
      expect(reads).toBeLessThan(5 * 10);
    } finally {
      await handle.close();
    }
  });
});

describe("a reader", () => {
  const options = (query: string): LogOptions => logOptions(new URLSearchParams(query), Date.now());
  const open = (file: string, query: string, isRunning = (): boolean => false, signal = new AbortController().signal) =>
    LogReader.open({ file, options: options(query), isRunning, signal });

  it("follows what is written, through files that take its place, to the end", async () => {
    const file = path.join(folder, "0.log");
    writeFileSync(file, line("one"));
    let runs = true;
    let said = "";
    const reader = await open(file, "follow=true", () => runs);
    const reading = (async () => {
      for await (const part of reader.chunks()) said += part.toString();
    })();
    await eventually("one", () => said === "one\n");
    appendFileSync(file, line("two"));
    await eventually("two", () => said.endsWith("two\n"));
    // As the runtime: what it has open goes on being written to until it opens the new file.
    const old = openSync(file, "a");
    renameSync(file, `${file}.20260101-000000`);
    appendFileSync(old, line("three"));
    await eventually("three", () => said.endsWith("three\n"));
    writeFileSync(file, line("four"));
    await new Promise((resolve) => setTimeout(resolve, 20));
    appendFileSync(old, line("late"));
    closeSync(old);
    await eventually("four", () => said.endsWith("four\n"));
    truncateSync(file);
    await eventually("the cut", async () => {
      appendFileSync(file, line("five"));
      await new Promise((resolve) => setTimeout(resolve, 300));
      return said.includes("five\n");
    });
    runs = false;
    await reading;
    await reader.close();
    expect(said).toMatch(/^one\ntwo\nthree\nlate\nfour\n(five\n)+$/);
  });

  it("ends when its client is gone", async () => {
    const file = path.join(folder, "0.log");
    writeFileSync(file, "");
    const gone = new AbortController();
    const reader = await open(file, "follow=true", () => true, gone.signal);
    const reading = (async () => {
      for await (const _ of reader.chunks());
    })();
    setTimeout(() => gone.abort(), 20);
    await reading;
    await reader.close();
  });

  it("reads no further than its client takes", async () => {
    const file = path.join(folder, "0.log");
    writeFileSync(file, line("x".repeat(1000)).repeat(4000));
    const reader = await open(file, "");
    const chunks = reader.chunks();
    const first = await chunks.next();
    // Nobody asks for more: 4 MB are not in memory.
    expect((first.value as Buffer).length).toBeLessThanOrEqual(64 * 1024);
    await chunks.return(undefined);
    await reader.close();
  });

  it("says which file is not there", async () => {
    await expect(open(path.join(folder, "none"), "")).rejects.toThrow(
      `failed to try resolving symlinks in path "${folder}/none": lstat ${folder}/none: no such file or directory`,
    );
  });
});

describe("a query", () => {
  it.each([
    ["tailLines=-1", 422],
    ["limitBytes=0", 422],
    ["sinceSeconds=0", 422],
    ["sinceSeconds=1&sinceTime=2026-01-01T00:00:00Z", 422],
    ["stream=stdout", 422],
    ["tailLines=1&stream=Stdout", 422],
    ["tailLines=many", 400],
    ["sinceTime=yesterday", 400],
  ])("%s is refused", (query, code) => {
    expect(() => logOptions(new URLSearchParams(query), 0)).toThrow(expect.objectContaining({ code }));
  });

  it("says what is wanted", () => {
    const query = "follow=true&tail=5&timestamps=1&sinceSeconds=10&limitBytes=9&previous=false";
    expect(logOptions(new URLSearchParams(query), 60_000)).toEqual({
      follow: true,
      previous: false,
      timestamps: true,
      tailLines: 5,
      limitBytes: 9,
      sinceMs: 50_000,
      stream: undefined,
    });
  });
});

describe("a container's log", () => {
  const pod = (status: object) =>
    podOf({
      containers: [{ name: "main" }],
      metadata: { name: "web" },
      status: { containerStatuses: [{ name: "main", ...status }] },
    });
  const ended = (id: string) => ({ terminated: { containerID: id } });

  it.each([
    [{ state: { running: {} }, containerID: "containerd://now" }, false, "now"],
    [{ state: ended("containerd://done") }, false, "done"],
    [{ state: { waiting: { reason: "CrashLoopBackOff" } }, lastState: ended("containerd://last") }, false, "last"],
    [{ state: { running: {} }, containerID: "containerd://now", lastState: ended("containerd://last") }, true, "last"],
  ])("is that of the container it means: %j", (status, previous, id) => {
    expect(loggedContainer(pod(status), "main", previous)).toBe(id);
  });

  it.each([
    [{ state: { running: {} } }, true, 'previous terminated container "main" in pod "web" not found'],
    [
      { state: { waiting: { reason: "ImagePullBackOff" } } },
      false,
      "waiting to start: trying and failing to pull image",
    ],
    [{ state: { waiting: { reason: "ContainerCreating" } } }, false, "waiting to start: ContainerCreating"],
  ])("is refused with its reason: %j", (status, previous, words) => {
    expect(() => loggedContainer(pod(status), "main", previous)).toThrow(words);
  });
});
