/**
 * Makes certificates in a thread that ends when nothing is to be made: the library takes 13 MB and
 * 200 ms of processor time, and is needed at the first start and about twice a year.
 */
import { Worker } from "node:worker_threads";
import { workerFile } from "../../worker_file.ts";
import type { CertificateTerms, RequestedCertificate } from "../../../model/certificate.ts";
import type { KeyPair, Profile, RequestPair, RequestProfile, Validity } from "./x509.ts";

type Make =
  | { readonly make: "authority"; readonly commonName: string; readonly validity: Validity; readonly key?: string }
  | {
      readonly make: "certificate";
      readonly authority: KeyPair;
      readonly profile: Profile;
      readonly validity: Validity;
    }
  | { readonly make: "request"; readonly profile: RequestProfile }
  | { readonly make: "read"; readonly request: string }
  | {
      readonly make: "signed";
      readonly authority: KeyPair;
      readonly request: string;
      readonly terms: CertificateTerms;
    };

/** What answers each order. */
interface Made {
  readonly authority: KeyPair;
  readonly certificate: KeyPair;
  readonly request: RequestPair;
  readonly read: RequestedCertificate;
  readonly signed: string;
}
export type AnyMade = Made[keyof Made];

export type MakeOrder = Make & { readonly id: number };
export type MakeAnswer =
  { readonly id: number; readonly made: AnyMade } | { readonly id: number; readonly error: string };

interface Waiting {
  readonly resolve: (made: AnyMade) => void;
  readonly reject: (error: Error) => void;
}

/** How long the thread waits for more, in ms: at the first start one thing after the other is made. */
const idleMs = 500;
/** Bound of making one certificate, in ms. */
const timeoutMs = 60_000;

export class CertificateMaker {
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #timer: NodeJS.Timeout | undefined;
  #nextId = 1;

  /** A certificate authority that signs itself. @param key PEM of the key to keep, where there is one */
  authority(commonName: string, validity: Validity, key?: string): Promise<KeyPair> {
    return this.#make({ make: "authority", commonName, validity, ...(key === undefined ? {} : { key }) });
  }

  /** A certificate with a new key, signed by the authority; it ends with the authority at the latest. */
  certificate(authority: KeyPair, profile: Profile, validity: Validity): Promise<KeyPair> {
    return this.#make({ make: "certificate", authority, profile, validity });
  }

  /** A request for a certificate, of a new key. */
  request(profile: RequestProfile): Promise<RequestPair> {
    return this.#make({ make: "request", profile });
  }

  /** What a certificate signing request asks for. @param request PEM */
  read(request: string): Promise<RequestedCertificate> {
    return this.#make({ make: "read", request });
  }

  /** Signs a request's key, subject and names. @returns PEM */
  signed(authority: KeyPair, request: string, terms: CertificateTerms): Promise<string> {
    return this.#make({ make: "signed", authority, request, terms });
  }

  #make<Order extends Make>(order: Order): Promise<Made[Order["make"]]> {
    const worker = (this.#worker ??= this.#start());
    worker.ref();
    this.#endAfter(timeoutMs);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: (made) => resolve(made as Made[Order["make"]]), reject });
      worker.postMessage({ ...order, id } satisfies MakeOrder);
    });
  }

  #start(): Worker {
    const worker = new Worker(workerFile(import.meta.url, "worker"));
    worker.on("message", (answer: MakeAnswer) => this.#onAnswer(worker, answer));
    worker.on("error", (error) => this.#forget(worker, error));
    worker.on("exit", () => this.#forget(worker, new Error("the thread that makes certificates has ended")));
    return worker;
  }

  #onAnswer(worker: Worker, answer: MakeAnswer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if (this.#waiting.size === 0) {
      // It keeps no process alive while it waits for more.
      worker.unref();
      this.#endAfter(idleMs);
    }
    if ("made" in answer) waiting?.resolve(answer.made);
    else waiting?.reject(new Error(answer.error));
  }

  #endAfter(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const worker = this.#worker!;
      this.#forget(worker, new Error(`no certificate was made within ${ms} ms`));
      void worker.terminate();
    }, ms).unref();
  }

  /** What is to be made from now on has a thread of its own. */
  #forget(worker: Worker, error: Error): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    clearTimeout(this.#timer);
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
