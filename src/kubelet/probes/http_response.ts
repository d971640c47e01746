/** The first bytes of an answer over HTTP/1 → what a probe needs of it (RFC 9112). A probe has no use for a client's rest. */

export interface HttpResponse {
  readonly code: number;
  readonly location: string | undefined;
}

/** As much of a body as is read (pkg/probe/http, maxRespBodyLength), in bytes. */
const maxBodyBytes = 10 * 1024;
/** Bound of what comes before it. */
const maxHeadBytes = 64 * 1024;
/** Go's (net/http, persistConn.readResponse): a container could go on without end. */
const maxInformational = 5;

/**
 * @param isEnd nothing comes behind these bytes
 * @returns "more" where the answer goes on behind them
 * @throws Error in Go's words, where it is no answer
 */
export function decodeResponse(bytes: Buffer, isEnd: boolean): HttpResponse | "more" {
  const head = answerHead(bytes, isEnd);
  if (head === "more") return head;
  const { code, fields, body } = head;
  if (!isEnd && !isWhole(code, fields, body)) return "more";
  if (isEnd && isShort(code, fields, body)) throw new Error("unexpected EOF");
  return { code, location: fields.get("location") };
}

interface Head {
  readonly code: number;
  readonly fields: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

/** Behind what is only said on the way to an answer (RFC 9110, 15.2). */
function answerHead(bytes: Buffer, isEnd: boolean): Head | "more" {
  let rest = bytes;
  for (let informational = 0; informational <= maxInformational; informational++) {
    const head = headOf(rest, isEnd);
    if (head === "more") return head;
    const isInformational = head.code >= 100 && head.code < 200 && head.code !== 101;
    if (!isInformational) return head;
    rest = head.body;
  }
  throw new Error("net/http: too many 1xx informational responses");
}

function headOf(bytes: Buffer, isEnd: boolean): Head | "more" {
  const end = /\r?\n\r?\n/.exec(bytes.subarray(0, maxHeadBytes).toString("latin1"));
  if (!end) return unfinished(bytes, isEnd);
  const [first = "", ...lines] = bytes.toString("latin1", 0, end.index).split(/\r?\n/);
  const code = codeOf(first);
  const fields = new Map(lines.map(fieldOf));
  return { code, fields, body: bytes.subarray(end.index + end[0].length) };
}

function unfinished(bytes: Buffer, isEnd: boolean): "more" {
  const line = /^[^\r\n]*(?=\r?\n)/.exec(bytes.toString("latin1", 0, 1024))?.[0];
  // What is no answer from its first line on does not become one.
  if (line !== undefined) codeOf(line);
  if (isEnd) throw new Error(bytes.length === 0 ? "EOF" : "unexpected EOF");
  if (bytes.length >= maxHeadBytes) throw new Error("net/http: server response headers exceeded the limit; aborted");
  return "more";
}

function codeOf(line: string): number {
  const code = /^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(line)?.[1];
  if (code === undefined) throw new Error(`net/http: malformed HTTP response ${JSON.stringify(line)}`);
  return Number(code);
}

function fieldOf(line: string): readonly [string, string] {
  const colon = line.indexOf(":");
  if (colon < 1) throw new Error(`malformed MIME header line: ${line}`);
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
}

type Fields = Head["fields"];

/** Or as much of it as is read. Where neither length nor chunks say, its end is the connection's. */
function isWhole(code: number, fields: Fields, body: Buffer): boolean {
  if (hasNoBody(code) || body.length >= maxBodyBytes) return true;
  if (isChunked(fields)) return endsChunks(body);
  const length = lengthOf(fields);
  return length !== undefined && body.length >= length;
}

function isShort(code: number, fields: Fields, body: Buffer): boolean {
  if (hasNoBody(code) || body.length >= maxBodyBytes) return false;
  if (isChunked(fields)) return !endsChunks(body);
  const length = lengthOf(fields);
  return length !== undefined && body.length < length;
}

function hasNoBody(code: number): boolean {
  return code === 101 || code === 204 || code === 304;
}

function isChunked(fields: Fields): boolean {
  return /(?:^|,)\s*chunked\s*$/i.test(fields.get("transfer-encoding") ?? "");
}

function lengthOf(fields: Fields): number | undefined {
  const text = fields.get("content-length");
  if (text === undefined) return undefined;
  if (!/^\d+$/.test(text)) throw new Error(`bad Content-Length ${JSON.stringify(text)}`);
  return Number(text);
}

/** Whether the last chunk is there, which is empty, with the empty line behind its trailers (RFC 9112, 7.1). */
function endsChunks(body: Buffer): boolean {
  const text = body.toString("latin1");
  for (let at = 0; ;) {
    const end = text.indexOf("\n", at);
    if (end < 0) return false;
    const size = /^([0-9a-f]{1,8})\s*(?:;.*)?$/i.exec(text.slice(at, end).trimEnd())?.[1];
    if (size === undefined) throw new Error("invalid byte in chunk length");
    if (parseInt(size, 16) === 0) return /^(?:[^\r\n]+\r?\n)*\r?\n/.test(text.slice(end + 1));
    at = end + 1 + parseInt(size, 16);
    if (at >= text.length) return false;
    const line = /^\r?\n/.exec(text.slice(at, at + 2));
    if (!line) {
      if (text.length - at < 2) return false;
      throw new Error("malformed chunked encoding");
    }
    at += line[0].length;
  }
}
