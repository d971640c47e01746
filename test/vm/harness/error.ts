/** What can go wrong with the machine itself, apart from the command that runs in it. */
export type VmErrorCode =
  "KERNEL" | "IMAGE" | "QEMU" | "GUEST_SILENT" | "GUEST_DIED" | "WORKLOAD" | "TIMEOUT" | "ABORTED";

/** A failure of the harness. The message says what was attempted, why it failed and what to do. */
export class VmError extends Error {
  override readonly name = "VmError";
  readonly code: VmErrorCode;

  constructor(code: VmErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}
