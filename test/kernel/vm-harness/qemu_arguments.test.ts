import { expect, test } from "vitest";
import type { Image } from "../../vm/harness/image.ts";
import { defaultMachine, type Machine } from "../../vm/harness/machine.ts";
import { qemuArguments } from "../../vm/harness/qemu_arguments.ts";

const image: Image = {
  package: "linux-image-test",
  version: "6.12",
  vmlinuz: "/c/vmlinuz",
  initrd: "/c/initrd",
  modules: "/c/modules",
  directory: "/c",
};

function after(args: readonly string[], option: string): string | undefined {
  return args[args.indexOf(option) + 1];
}

function argumentsOf(machine: Partial<Machine>, share = "/share"): string[] {
  return qemuArguments({ ...defaultMachine({}), ...machine }, image, { share, kernelLog: "/log" }, "boot");
}

test.each(["wall", "instructions"] as const)(
  "the %s clock hides cmpxchg16b, which qemu 7.2 corrupts memory by",
  (clock) => {
    expect(after(argumentsOf({ clock }), "-cpu")?.split(",")).toContain("-cx16");
  },
);

test("the clock of instructions has no source of randomness", () => {
  const args = argumentsOf({ clock: "instructions", cpus: 1 });
  expect(after(args, "-cpu")?.split(",")).toEqual(expect.arrayContaining(["-rdrand", "-rdseed"]));
  expect(args.join(" ")).toContain("-icount shift=0,sleep=on");
  expect(args).not.toContain("virtio-rng-pci");
});

test("the host's files come in read-only; only /vmout is written", () => {
  const shares = argumentsOf({}).filter((arg) => arg.startsWith("local,"));
  expect(shares).toEqual([
    expect.stringMatching(/id=root,path=\/,.*readonly=on$/),
    expect.stringMatching(/id=out,path=\/share,.*readonly=off$/),
  ]);
});

test("a comma in a path does not end qemu's option", () => {
  expect(argumentsOf({}, "/a,b").join(" ")).toContain("path=/a,,b,");
});
