import type { Image } from "./image.ts";
import type { Machine } from "./machine.ts";

/** File descriptors that qemu inherits, each one end of a socket pair, but `snapshot`, which is a file. */
export const descriptors = { control: 3, stdout: 4, stderr: 5, monitor: 6, snapshot: 7 } as const;

export interface QemuFiles {
  /** The directory that the guest mounts at /vmout. */
  readonly share: string;
  /** Where the guest kernel's own messages go. */
  readonly kernelLog: string;
}

/** Processor features that a machine must not show. Pure emulation is fastest without the first ones. */
const withoutFeatures = [
  ...["avx", "avx2", "erms", "fsrm"],
  // qemu 7.2 corrupts memory when some kernels use cmpxchg16b on more than one processor.
  "cx16",
];

/** qemu's command line. Pure: whatever it depends on is an argument, so that its hash is the snapshot's key. */
export function qemuArguments(machine: Machine, image: Image, files: QemuFiles, from: "boot" | "snapshot"): string[] {
  return [
    "qemu-system-x86_64",
    ...["-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"],
    ...["-machine", "q35", "-m", `${machine.memoryMiB}`, "-smp", `${machine.cpus}`],
    ...clock(machine),
    ...["-kernel", image.vmlinuz, "-initrd", image.initrd, "-append", kernelCommandLine(machine)],
    ...fileSystem("root", "/", true),
    ...fileSystem("out", files.share, false),
    ...["-device", "virtio-serial-pci"],
    ...socket("control"),
    ...["-device", "virtconsole,chardev=control,nr=0"],
    ...socket("stdout"),
    ...["-device", "virtserialport,chardev=stdout,nr=1"],
    ...socket("stderr"),
    ...["-device", "virtserialport,chardev=stderr,nr=2"],
    ...socket("monitor"),
    ...["-mon", "chardev=monitor,mode=readline"],
    ...["-serial", `file:${files.kernelLog}`],
    ...(from === "snapshot" ? ["-incoming", `fd:${descriptors.snapshot}`] : []),
  ];
}

function clock(machine: Machine): string[] {
  const cpu = (...without: string[]) => ["max", ...without.map((feature) => `-${feature}`)].join(",");
  if (machine.clock === "wall") {
    return [...["-accel", "tcg,thread=multi", "-cpu", cpu(...withoutFeatures)], ...["-device", "virtio-rng-pci"]];
  }
  // Without a source of randomness two boots take nearly the same path; -seed fixes what is left of it.
  return [
    ...["-accel", "tcg,thread=single", "-icount", "shift=0,sleep=on", "-seed", "1"],
    ...["-cpu", cpu(...withoutFeatures, "rdrand", "rdseed")],
  ];
}

function kernelCommandLine(machine: Machine): string {
  const always = [
    "console=ttyS0 quiet loglevel=5 tsc=reliable no_timer_check mitigations=off random.trust_cpu=on",
    // A kernel that oopses ends the machine, and with it the test.
    "oops=panic panic=-1",
    "cryptomgr.notests audit=0 apparmor=0 selinux=0",
  ];
  const counting = ["fairlead.modules=boot norandmaps nokaslr nowatchdog randomize_kstack_offset=off"];
  return [...always, ...(machine.clock === "instructions" ? counting : ["fairlead.modules=all"])].join(" ");
}

function fileSystem(tag: string, path: string, readonly: boolean): string[] {
  // A comma in a value of qemu's options is written twice.
  const where = path.replaceAll(",", ",,");
  return [
    ...[
      "-fsdev",
      `local,id=${tag},path=${where},security_model=none,multidevs=remap,readonly=${readonly ? "on" : "off"}`,
    ],
    ...["-device", `virtio-9p-pci,fsdev=${tag},mount_tag=${tag}`],
  ];
}

function socket(name: "control" | "stdout" | "stderr" | "monitor"): string[] {
  return ["-chardev", `socket,id=${name},fd=${descriptors[name]}`];
}
