/** Our cluster, user and context in somebody's kubeconfig, and out of it: all else stays, comments too. */
import { isMap, isSeq, parseDocument, type Document, type YAMLMap, type YAMLSeq } from "yaml";

export interface KubeconfigEntry {
  /** Of cluster, user and context. */
  readonly name: string;
  readonly server: string;
  /** PEM in base64, as kubeconfigs have it. */
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}

const lists = ["clusters", "users", "contexts"] as const;

/** @param text "" where there is none yet @throws Error where it is no kubeconfig: nothing of it may be lost */
export function mergeEntry(text: string, entry: KubeconfigEntry): string {
  const document = open(text);
  const { name, server, authority, certificate, key } = entry;
  put(document, "clusters", name, { cluster: { "certificate-authority-data": authority, server } });
  put(document, "users", name, { user: { "client-certificate-data": certificate, "client-key-data": key } });
  put(document, "contexts", name, { context: { cluster: name, user: name } });
  document.set("current-context", name);
  return print(document);
}

/**
 * Takes them out again.
 *
 * @param contextBefore becomes the current context where ours is
 * @returns undefined where nothing but ours was in it
 */
export function removeEntry(text: string, name: string, contextBefore?: string): string | undefined {
  const document = open(text);
  for (const list of lists) {
    const sequence = document.get(list);
    if (isSeq(sequence)) sequence.items = sequence.items.filter((item) => nameOf(item) !== name);
  }
  if (document.get("current-context") === name) {
    const contexts = document.get("contexts");
    const isThere = isSeq(contexts) && contexts.items.some((item) => nameOf(item) === contextBefore);
    document.set("current-context", isThere ? contextBefore : "");
  }
  const isEmpty = lists.every((list) => {
    const sequence = document.get(list);
    return !isSeq(sequence) || sequence.items.length === 0;
  });
  return isEmpty ? undefined : print(document);
}

export function currentContext(text: string): string | undefined {
  const current = open(text).get("current-context");
  return typeof current === "string" && current !== "" ? current : undefined;
}

function open(text: string): Document {
  const document = parseDocument(text);
  const [broken] = document.errors;
  if (broken) throw new Error(broken.message.split("\n")[0]);
  if (document.contents === null)
    document.contents = document.createNode({ apiVersion: "v1", kind: "Config" }) as never;
  if (!isMap(document.contents)) throw new Error("it is no mapping");
  const kind = document.get("kind");
  if (kind !== undefined && kind !== "Config") throw new Error("its kind is not Config");
  for (const list of lists) {
    const there = document.get(list);
    if (there !== undefined && there !== null && !isSeq(there)) throw new Error(`${list} is no list`);
  }
  return document;
}

function put(document: Document, list: (typeof lists)[number], name: string, fields: object): void {
  const node = document.createNode({ name, ...fields }) as YAMLMap;
  let sequence = document.get(list) as YAMLSeq | null | undefined;
  if (!isSeq(sequence)) {
    sequence = document.createNode([]);
    document.set(list, sequence);
  }
  sequence.flow = false;
  const at = sequence.items.findIndex((item) => nameOf(item) === name);
  if (at < 0) sequence.items.push(node);
  else sequence.items[at] = node;
}

function nameOf(item: unknown): unknown {
  return isMap(item) ? item.get("name") : undefined;
}

/** Certificates are long lines: they stay so, for people search in them. */
function print(document: Document): string {
  return document.toString({ lineWidth: 0 });
}
