/** A query's PodLogOptions, as the kubelet takes them (pkg/kubelet/server/server.go, getContainerLogs). */
import { Refusal } from "../refusal.ts";

export interface LogOptions {
  readonly follow: boolean;
  readonly previous: boolean;
  readonly timestamps: boolean;
  /** Lines from the end; undefined: all. */
  readonly tailLines: number | undefined;
  readonly limitBytes: number | undefined;
  /** Older lines are left out; ms since 1970. */
  readonly sinceMs: number | undefined;
  /** Undefined: both. */
  readonly stream: "stdout" | "stderr" | undefined;
}

/** @throws Refusal 400, 422 */
export function logOptions(query: URLSearchParams, nowMs: number): LogOptions {
  const number = (name: string): number | undefined => wholeNumber(query.get(name));
  const tail = query.get("tail");
  const tailLines = tail === null || tail === "" ? number("tailLines") : tail === "all" ? undefined : wholeNumber(tail);
  const sinceSeconds = number("sinceSeconds");
  const sinceTimeMs = timeOf(query.get("sinceTime"));
  const limitBytes = number("limitBytes");
  const stream = streamOf(query.get("stream"));
  const isWrong =
    (tailLines !== undefined && tailLines < 0) ||
    (limitBytes !== undefined && limitBytes < 1) ||
    (sinceSeconds !== undefined && (sinceSeconds < 1 || sinceTimeMs !== undefined)) ||
    (tailLines !== undefined && stream !== undefined);
  if (isWrong) throw new Refusal(422, '{"message": "Invalid request."}');
  return {
    follow: flag(query.get("follow")),
    previous: flag(query.get("previous")),
    timestamps: flag(query.get("timestamps")),
    tailLines,
    limitBytes,
    sinceMs: sinceSeconds === undefined ? sinceTimeMs : nowMs - sinceSeconds * 1000,
    stream,
  };
}

const undecodable = '{"message": "Unable to decode query."}';

function wholeNumber(text: string | null): number | undefined {
  if (text === null || text === "") return undefined;
  if (!/^[-+]?\d{1,19}$/.test(text)) throw new Refusal(400, undecodable);
  return Number(text);
}

/** As apimachinery decodes it: there without a value means true. */
function flag(text: string | null): boolean {
  return text !== null && text !== "false" && text !== "0";
}

function timeOf(text: string | null): number | undefined {
  if (text === null || text === "") return undefined;
  const ms = /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) throw new Refusal(400, undecodable);
  return ms;
}

const streams: Readonly<Record<string, LogOptions["stream"]>> = { All: undefined, Stdout: "stdout", Stderr: "stderr" };

function streamOf(text: string | null): LogOptions["stream"] {
  if (text === null || text === "") return undefined;
  if (!Object.hasOwn(streams, text)) throw new Refusal(422, '{"message": "Invalid request."}');
  return streams[text];
}
