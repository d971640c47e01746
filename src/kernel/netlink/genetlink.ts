/**
 * Generic netlink: families that register by name, and get their message type when they do
 * (include/uapi/linux/genetlink.h, net/netlink/genetlink.c). A family's own attributes are codecs of
 * their own; {@link genericRequest} puts the two together.
 */
import { attr, attributes, nest, numbered } from "./codec/attributes.ts";
import { cstring, merged, pad, struct, u16, u32, u8, type Codec, type ValueOf } from "./codec/codec.ts";
import { flags } from "./codec/flags.ts";
import { decodeBody, type ReceivedMessage, type Request } from "./codec/message.ts";
import { FairleadError } from "../../errors/catalogue.ts";

/** struct genlmsghdr */
export const genlmsghdr = struct({ command: u8, version: u8, reserved: pad(2) });

/** A generic message: its header under `genl`, beside the family's attributes. */
export type GenericMessage<T extends object> = { genl: { command: number; version: number } } & T;

export function genericMessage<T extends object>(payload: Codec<T>): Codec<GenericMessage<T>> {
  return merged(struct({ genl: genlmsghdr }), payload);
}

/** GENL_ADMIN_PERM, GENL_CMD_CAP_*, GENL_UNS_ADMIN_PERM */
const operationFlags = flags(u32, {
  adminPermission: 0x01,
  do: 0x02,
  dump: 0x04,
  hasPolicy: 0x08,
  namespaceAdminPermission: 0x10,
});

const operation = attributes({ id: attr(1, u32), flags: attr(2, operationFlags) });
const multicastGroup = attributes({ name: attr(1, cstring(15)), id: attr(2, u32) });

/** CTRL_ATTR_* */
const controlAttributes = attributes({
  id: attr(1, u16),
  name: attr(2, cstring(15)),
  version: attr(3, u32),
  headerBytes: attr(4, u32),
  maxAttribute: attr(5, u32),
  operations: nest(6, numbered(operation)),
  multicastGroups: nest(7, numbered(multicastGroup)),
});
export const controlMessage = genericMessage(controlAttributes);
export type ControlMessage = ValueOf<typeof controlMessage>;

/** GENL_ID_CTRL: the one family whose number is fixed. */
export const controlFamily = 0x10;
const getFamilyCommand = 3;
/** The version of the control family's messages. */
const controlVersion = 2;

/** A registered family. */
export interface GenericFamily {
  readonly name: string;
  /** nlmsg_type of its messages, until its module is unloaded. */
  readonly id: number;
  readonly version: number;
  /** Bytes of the family's own header behind genlmsghdr. */
  readonly headerBytes: number;
  readonly maxAttribute: number;
  readonly operations: readonly { readonly id: number; readonly flags: ValueOf<typeof operationFlags> }[];
  /** Group numbers by name. */
  readonly multicastGroups: Readonly<Record<string, number>>;
}

/** Asks for a family by name: ENOENT where it is not registered. The kernel tries to load its module first. */
export function getFamily(name: string): Request<ControlMessage> {
  const genl = { command: getFamilyCommand, version: controlVersion };
  return { type: controlFamily, flags: 0, codec: controlMessage, body: { genl, name } };
}

/** Asks, as a dump, for all families. */
export function listFamilies(): Request<ControlMessage> {
  const genl = { command: getFamilyCommand, version: controlVersion };
  return { type: controlFamily, flags: 0, codec: controlMessage, body: { genl } };
}

/** @throws FairleadError NETLINK_DECODE */
export function readFamily(received: ReceivedMessage): GenericFamily {
  const found = decodeBody(controlMessage, received);
  if (found.id === undefined || found.name === undefined) {
    throw new FairleadError("NETLINK_DECODE", { subject: "family", reason: "its id or name is missing" });
  }
  const operations = (found.operations ?? []).map(({ id = 0, flags: bits = [] }) => ({ id, flags: bits }));
  const groups = (found.multicastGroups ?? []).map(({ name = "", id = 0 }) => [name, id] as const);
  return {
    name: found.name,
    id: found.id,
    version: found.version ?? 1,
    headerBytes: found.headerBytes ?? 0,
    maxAttribute: found.maxAttribute ?? 0,
    operations,
    multicastGroups: Object.fromEntries(groups),
  };
}

/** What to ask of a family: one of its commands with its attributes. */
export interface GenericCall<T extends object> {
  readonly command: number;
  /** The family's attributes, without genlmsghdr. */
  readonly payload: Codec<T>;
  readonly body: T;
  /** NLM_F_*; default none. */
  readonly flags?: number;
}

/** The call as a message to the family. */
export function genericRequest<T extends object>(
  family: Pick<GenericFamily, "id" | "version">,
  call: GenericCall<T>,
): Request<GenericMessage<T>> {
  const genl = { command: call.command, version: family.version };
  return {
    type: family.id,
    flags: call.flags ?? 0,
    codec: genericMessage(call.payload),
    body: { genl, ...call.body },
  };
}

/** What a family answered: the command that the answer bears, and its attributes. */
export function readGeneric<T extends object>(payload: Codec<T>, received: ReceivedMessage): GenericMessage<T> {
  return decodeBody(genericMessage(payload), received);
}
