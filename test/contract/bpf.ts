/** What every BpfPort does, with the pod fast path as the program. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { BpfPort, BpfProgram } from "../../src/kernel/bpf_port.ts";
import { keyBytes, names, sumOfCounts } from "../../src/network/fast_path/state.ts";

export interface BpfSubject {
  readonly port: BpfPort;
  /** Of two links. */
  readonly links: readonly [number, number];
  removeLink(index: number): Promise<void>;
  close(): void;
}

const valueBytes = 32;
const noDevice = 19;

export function describeBpf(title: string, open: () => Promise<BpfSubject>): void {
  describe(`eBPF port: ${title}`, () => {
    let subject: BpfSubject;
    let port: BpfPort;
    const programs: BpfProgram[] = [];
    const kept = (program: BpfProgram): BpfProgram => {
      programs.push(program);
      return program;
    };
    const load = async (): Promise<BpfProgram> => kept(await port.load(names.object));
    beforeEach(async () => {
      subject = await open();
      port = subject.port;
    });
    afterEach(() => {
      for (const program of programs.splice(0)) program.close();
      subject.close();
    });

    it("loads a program as often as it is told, with the same tag and maps of its own", async () => {
      const [one, two] = [await load(), await load()];
      expect([one.name, one.tag === two.tag, one.id === two.id]).toEqual([names.program, true, false]);
      await one.update(names.links, [{ key: Buffer.from("01000000", "hex"), value: Buffer.alloc(valueBytes, 1) }]);
      expect(await two.entries(names.links, keyBytes)).toEqual([]);
    });

    it("keeps what a map is told", async () => {
      const program = await load();
      const entry = (n: number, fill: number) => ({
        key: Buffer.alloc(keyBytes, n),
        value: Buffer.alloc(valueBytes, fill),
      });
      await program.update(names.links, [entry(1, 1), entry(2, 2), entry(1, 3)]);
      const there = async (): Promise<Record<number, number>> => {
        const entries = await program.entries(names.links, keyBytes);
        return Object.fromEntries(entries.map(({ key, value }) => [key[0]!, value[31]!]));
      };
      expect(await there()).toEqual({ 1: 3, 2: 2 });
      await program.remove(names.links, [entry(1, 0).key, entry(9, 0).key]);
      expect(await there()).toEqual({ 2: 2 });
    });

    it("counts from nothing", async () => {
      const counts = await (await load()).entries(names.counts, keyBytes);
      expect(counts.map(({ value }) => sumOfCounts(value))).toEqual([0]);
    });

    it("refuses maps and sizes that are not the program's, and objects that are none", async () => {
      const program = await load();
      const long = [{ key: Buffer.alloc(keyBytes + 1), value: Buffer.alloc(valueBytes) }];
      await expect(program.update(names.links, long)).rejects.toMatchObject({ code: "NATIVE_CALL", errno: 22 });
      await expect(program.update("none", [])).rejects.toMatchObject({ code: "NATIVE_CALL", errno: 2 });
      await expect(program.entries("none", 4)).rejects.toMatchObject({ code: "NATIVE_CALL", errno: 2 });
      await expect(port.load("none")).rejects.toMatchObject({ code: "NATIVE_CALL", errno: 2 });
    });

    it("attaches a program to links, once, and takes it away", async () => {
      const [one, two] = [await load(), await load()];
      const [left, right] = subject.links;
      for (const program of [one, one, two]) await program.attach(left);
      expect(await port.attached(left)).toEqual([one.id, two.id]);
      expect(await port.attached(right)).toEqual([]);
      await one.detach(left);
      expect(await port.attached(left)).toEqual([two.id]);
      await expect(one.detach(left)).rejects.toMatchObject({ code: "NATIVE_CALL", errno: 2 });
      await two.detach(left);
    });

    it("knows no link that is not there", async () => {
      const [left] = subject.links;
      const program = await load();
      await program.attach(left);
      await subject.removeLink(left);
      for (const call of [() => port.attached(left), () => program.attach(left), () => program.detach(left)]) {
        await expect(call()).rejects.toMatchObject({ code: "NATIVE_CALL", errno: noDevice });
      }
    });

    it("finds a program again that is attached, with what its maps hold, after it was closed", async () => {
      const [left] = subject.links;
      const program = await load();
      const { id, tag } = program;
      const entries = [{ key: Buffer.alloc(keyBytes, 7), value: Buffer.alloc(valueBytes, 7) }];
      await program.update(names.links, entries);
      await program.attach(left);
      program.close();
      const again = kept((await port.open(id))!);
      expect([again.name, again.tag]).toEqual([names.program, tag]);
      expect(await again.entries(names.links, keyBytes)).toEqual(entries);
      await again.detach(left);
      again.close();
      await expect(again.entries(names.links, keyBytes)).rejects.toMatchObject({ errno: 2 });
      expect(await port.open(0x7fff_fff0)).toBeUndefined();
    });
  });
}
