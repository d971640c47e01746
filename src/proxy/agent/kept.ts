/**
 * What the proxy keeps of Services and EndpointSlices: text. As objects their fields would be most of its memory, and
 * each is looked at only when it, or the node's place, changes.
 */
import { keyText } from "../../api/client.ts";
import type { EndpointSlice, KubeObject, ObjectMeta, Service } from "../../model/kubernetes.ts";
import { schedulerAnnotation } from "../derive/decode.ts";
import {
  keepService,
  keepSlice,
  serviceNameLabel,
  triggerTimeAnnotation,
  type KeptService as KeptFields,
} from "./keep.ts";
import { isWord, usualService, usualServiceText, usualSlice, usualSliceText } from "./usual.ts";

/**
 * An object in one text: its words with spaces between, which are those of its line where it is usual (keep.ts), and then
 * either what is usual of it (usual.ts) or JSON. Each text of its own, and each field, is more for V8 to copy and keep.
 *
 * @typeParam T what {@link Kept.object} gives back
 */
export abstract class Kept<T extends KubeObject> implements KubeObject {
  abstract readonly apiVersion: string;
  abstract readonly kind: string;
  /** "namespace/name" of the Service whose it is. */
  readonly owner: string;
  readonly #line: string;

  constructor(owner: string, line: string) {
    this.owner = owner;
    this.#line = line;
  }

  get name(): string {
    return wordOf(this.#line, place.name);
  }

  get namespace(): string {
    return wordOf(this.#line, place.namespace);
  }

  get uid(): string {
    return wordOf(this.#line, place.uid);
  }

  get resourceVersion(): string {
    return wordOf(this.#line, place.resourceVersion);
  }

  /** This object itself: one of its own would be a fifth of what is kept. */
  get metadata(): ObjectMeta {
    return this;
  }

  get creationTimestamp(): string {
    return "";
  }

  abstract get object(): T;

  /** In short, where all of it is as usual (usual.ts). */
  abstract get usualText(): string | undefined;

  protected word(at: number): string {
    return wordOf(this.#line, at);
  }

  /** What stands behind so many words. */
  protected behind(words: number): string {
    return this.#line.slice(startOf(this.#line, words));
  }

  /** @returns those of the metadata that are kept of every object */
  protected get head(): ObjectMeta {
    const { name, namespace, uid, resourceVersion } = this;
    return { name, namespace, uid, resourceVersion, creationTimestamp: "" };
  }
}

const place = { name: 0, namespace: 1, uid: 2, resourceVersion: 3, service: 4, time: 5 } as const;
const [wordsOfService, wordsOfSlice] = [4, 6];

class KeptService extends Kept<Service> {
  get apiVersion(): string {
    return "v1";
  }

  get kind(): string {
    return "Service";
  }

  get usualText(): string | undefined {
    return usualIn(this.behind(wordsOfService));
  }

  get object(): Service {
    const { apiVersion, kind, head, usualText } = this;
    const kept: KeptFields =
      usualText === undefined ? (JSON.parse(this.behind(wordsOfService)) as KeptFields) : usualService(usualText);
    const { spec, status, scheduler } = kept;
    const metadata = scheduler === undefined ? head : { ...head, annotations: { [schedulerAnnotation]: scheduler } };
    return { apiVersion, kind, metadata, spec, ...(status === undefined ? {} : { status }) };
  }
}

class KeptSlice extends Kept<EndpointSlice> {
  readonly #nodeName: string;

  constructor(owner: string, line: string, nodeName: string) {
    super(owner, line);
    this.#nodeName = nodeName;
  }

  get apiVersion(): string {
    return "discovery.k8s.io/v1";
  }

  get kind(): string {
    return "EndpointSlice";
  }

  get usualText(): string | undefined {
    return usualIn(this.behind(wordsOfSlice));
  }

  get object(): EndpointSlice {
    const { apiVersion, kind, head, usualText } = this;
    const kept =
      usualText === undefined
        ? (JSON.parse(this.behind(wordsOfSlice)) as ReturnType<typeof keepSlice>)
        : usualSlice(usualText, this.#nodeName);
    const { addressType, ports, endpoints } = kept;
    const time = this.word(place.time);
    const metadata = time === "" ? head : { ...head, annotations: { [triggerTimeAnnotation]: time } };
    return { apiVersion, kind, metadata, addressType, ports: ports ?? [], endpoints };
  }
}

/** What is JSON is not. */
function usualIn(text: string): string | undefined {
  return text.startsWith("{") ? undefined : text;
}

export function keptService(service: Service): Kept<Service> {
  const text = usualServiceText(service) ?? JSON.stringify(keepService(service));
  return keptServiceLine([...words(service.metadata), text].join(" "));
}

/** @param line of a usual Service, as `serviceFields` say */
export function keptServiceLine(line: string): Kept<Service> {
  const owner = keyText({ namespace: wordOf(line, place.namespace), name: wordOf(line, place.name) });
  return new KeptService(owner, line);
}

/** @param nodeName this node's */
export function keptSlice(slice: EndpointSlice, nodeName: string): Kept<EndpointSlice> {
  const { labels, annotations } = slice.metadata;
  const [service, time] = [labels?.[serviceNameLabel] ?? "", annotations?.[triggerTimeAnnotation] ?? ""];
  const text = usualSliceText(slice, nodeName) ?? JSON.stringify(keepSlice(slice));
  return keptSliceLine([...words(slice.metadata), asWord(service), asWord(time), text].join(" "), nodeName);
}

/** @param line of a usual EndpointSlice, as `sliceFields` say */
export function keptSliceLine(line: string, nodeName: string): Kept<EndpointSlice> {
  const owner = keyText({ namespace: wordOf(line, place.namespace), name: wordOf(line, place.service) });
  return new KeptSlice(owner, line, nodeName);
}

function words({ name, namespace = "", uid, resourceVersion }: ObjectMeta): readonly string[] {
  return [name, namespace, uid, resourceVersion].map(asWord);
}

/** Before what no line could say as it is; no word has it. */
const encodedMark = "%";

function asWord(text: string): string {
  return isWord(text) ? text : encodedMark + Buffer.from(text).toString("base64url");
}

function wordOf(line: string, at: number): string {
  const from = startOf(line, at);
  const end = line.indexOf(" ", from);
  const word = end < 0 ? line.slice(from) : line.slice(from, end);
  return word.startsWith(encodedMark) ? Buffer.from(word.slice(1), "base64url").toString() : word;
}

/** Where a word begins. */
function startOf(line: string, at: number): number {
  let from = 0;
  for (let i = 0; i < at; i++) from = line.indexOf(" ", from) + 1;
  return from;
}
