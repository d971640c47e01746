/** What a CNI plugin answers when it fails (CNI specification 1.1.0, section 5, "Error"). */

/** The specification's codes, by what they mean; 100 and above are a plugin's own. */
export const cniCodes = {
  incompatibleVersion: 1,
  /** The message has the field's key and value. */
  unsupportedField: 2,
  /** There is no such container: the runtime need not call DEL. */
  unknownContainer: 3,
  /** The message names the variables. */
  invalidEnvironment: 4,
  ioFailure: 5,
  decodingFailure: 6,
  invalidConfig: 7,
  /** A condition that passes: the runtime may try again later. */
  tryAgainLater: 11,
  /** STATUS alone: ADD cannot be served. */
  notAvailable: 50,
  /** STATUS alone: ADD cannot be served, and containers that are there may have limited connectivity. */
  limitedConnectivity: 51,
  /** Ours: what fits none of the specification's. */
  internal: 100,
  /** Ours: no address is free. */
  addressesExhausted: 101,
  /** Ours: the interface is in the container already. */
  interfaceExists: 102,
  /** Ours: CHECK found something other than ADD made. */
  notAsExpected: 103,
} as const;

export type CniCode = (typeof cniCodes)[keyof typeof cniCodes];

/** An answer to the runtime. Tell errors apart by `code`. */
export class CniError extends Error {
  override readonly name = "CniError";
  readonly code: CniCode;
  /** Short: what is wrong, with the names that the specification asks for. */
  readonly msg: string;
  /** What else helps a reader; empty where `msg` says all. */
  readonly details: string;

  constructor(code: keyof typeof cniCodes, msg: string, detail: { readonly details?: string; cause?: unknown } = {}) {
    super(detail.details ? `${msg}: ${detail.details}` : msg, { cause: detail.cause });
    this.code = cniCodes[code];
    this.msg = msg;
    this.details = detail.details ?? "";
  }
}
