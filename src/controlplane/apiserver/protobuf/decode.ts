/**
 * Bodies of media type application/vnd.kubernetes.protobuf, decoded to the objects that JSON bodies
 * give. Typed clients of Go send built-in kinds so. Envelope: k8s.io/apimachinery, pkg/runtime,
 * type Unknown, and pkg/runtime/serializer/protobuf.
 *
 * Work and memory are linear in the body's length, which the reader of the request bounds.
 */
import { ApiError } from "../status.ts";
import { modelOfKind } from "./kinds.ts";
import { readMessage } from "./message.ts";
import { delimited, eachField, expectType, WireError, WireReader } from "./wire.ts";

/** "k8s" and a zero byte: begins every body. */
const magic = Buffer.from("k8s\0");

export interface Decoded {
  readonly apiVersion: string;
  readonly kind: string;
  /** As JSON.parse would give it, apiVersion and kind included. */
  readonly object: Record<string, unknown>;
}

/** @throws ApiError 400 in upstream's words, and nothing else */
export function decodeProtobuf(bytes: Buffer): Decoded {
  const { apiVersion, kind, raw } = wrapped(`the object provided is unrecognized`, () => readEnvelope(bytes));
  const version = apiVersion.slice(apiVersion.indexOf("/") + 1);
  return wrapped(`${kind} in version "${version}" cannot be handled as a ${kind}`, () => {
    const model = modelOfKind(apiVersion, kind);
    if (model === undefined) throw new WireError(`no kind "${kind}" is registered for version "${apiVersion}"`);
    return { apiVersion, kind, object: readMessage(model, raw, 0, { apiVersion, kind }) };
  });
}

function wrapped<Result>(what: string, decode: () => Result): Result {
  try {
    return decode();
  } catch (cause) {
    if (!(cause instanceof WireError)) throw cause;
    throw new ApiError("BadRequest", `${what}: ${cause.message}`);
  }
}

interface Envelope {
  apiVersion: string;
  kind: string;
  /** The object's own message. */
  raw: WireReader;
}

/**
 * runtime.Unknown {typeMeta = 1, raw = 2, contentEncoding = 3, contentType = 4}. Upstream looks at
 * neither of the last two.
 */
function readEnvelope(bytes: Buffer): Envelope {
  if (!bytes.subarray(0, magic.length).equals(magic)) {
    throw new WireError(
      `provided data does not appear to be a protobuf message, expected prefix [${[...magic].join(" ")}]`,
    );
  }
  const reader = new WireReader(bytes, magic.length);
  const envelope: Envelope = { apiVersion: "", kind: "", raw: new WireReader(magic, 0, 0) };
  eachField(reader, (number, wireType) => {
    if (number !== 1 && number !== 2) return false;
    expectType(wireType, delimited, number === 1 ? "TypeMeta" : "Raw");
    const content = reader.content();
    if (number === 1) readTypeMeta(content, envelope);
    else envelope.raw = content;
    return true;
  });
  if (envelope.kind === "") throw new WireError("Object 'Kind' is missing");
  return envelope;
}

/** runtime.TypeMeta {apiVersion = 1, kind = 2} */
function readTypeMeta(reader: WireReader, envelope: Envelope): void {
  eachField(reader, (number, wireType) => {
    if (number !== 1 && number !== 2) return false;
    expectType(wireType, delimited, number === 1 ? "APIVersion" : "Kind");
    envelope[number === 1 ? "apiVersion" : "kind"] = reader.content().text();
    return true;
  });
}
