/** Questions to the embedded store's worker and their answers, in the order they were asked. */
import { Worker } from "node:worker_threads";
import { FairleadError } from "../../../errors/catalogue.ts";
import { workerFile } from "../../worker_file.ts";
import type { AnswerMessage, Answers, QuestionName, Questions } from "./protocol.ts";

interface Waiting {
  readonly resolve: (answer: never) => void;
  readonly reject: (error: FairleadError) => void;
}

export class WorkerClient {
  readonly #worker: Worker;
  readonly #file: string;
  readonly #waiting = new Map<number, Waiting>();
  readonly #exited: Promise<void>;
  #nextId = 1;
  #failure: FairleadError | undefined;

  /** @param onFailure called once when the worker ends by an error; every question fails from then on */
  constructor(file: string, onFailure: (error: FairleadError) => void) {
    this.#file = file;
    this.#worker = new Worker(workerFile(import.meta.url, "worker"), { workerData: { file } });
    this.#worker.on("message", (message: AnswerMessage) => this.#settle(message));
    this.#worker.on("error", (cause) => {
      this.#fail(new FairleadError("STORE_UNAVAILABLE", { subject: file, cause }));
      onFailure(this.#failure!);
    });
    this.#exited = new Promise((resolve) => this.#worker.once("exit", () => resolve()));
    void this.#exited.then(() =>
      this.#fail(new FairleadError("STORE_UNAVAILABLE", { subject: file, reason: "it was closed" })),
    );
  }

  /**
   * Asks, and calls `onAnswer` in the same turn in which the answer arrives, before any later one's:
   * what a promise's continuation could not keep in order.
   */
  ask<N extends QuestionName>(
    name: N,
    question: Questions[N],
    onAnswer?: (answer: Answers[N]) => void,
  ): Promise<Answers[N]> {
    if (this.#failure) return Promise.reject(this.#failure);
    const id = this.#nextId++;
    return new Promise<Answers[N]>((resolve, reject) => {
      const settle = (answer: Answers[N]): void => {
        onAnswer?.(answer);
        resolve(answer);
      };
      this.#waiting.set(id, { resolve: settle, reject });
      this.#worker.postMessage({ id, name, question });
    });
  }

  /** Resolves when the worker's thread has ended. */
  async exited(): Promise<void> {
    await this.#exited;
  }

  #settle(message: AnswerMessage): void {
    const waiting = this.#waiting.get(message.id);
    if (!waiting) return;
    this.#waiting.delete(message.id);
    if ("answer" in message) waiting.resolve(message.answer as never);
    else waiting.reject(new FairleadError("STORE_UNAVAILABLE", { subject: this.#file, reason: message.error }));
  }

  #fail(error: FairleadError): void {
    this.#failure ??= error;
    for (const waiting of this.#waiting.values()) waiting.reject(this.#failure);
    this.#waiting.clear();
  }
}
