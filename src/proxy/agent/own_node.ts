/** The Node object of this machine. */
import type { Client } from "../../api/client.ts";
import { Informer } from "../../api/informer.ts";
import { resourceTypes } from "../../api/resource_types.ts";
import type { Node } from "../../model/kubernetes.ts";
import type { Clock } from "../../reconcile/clock.ts";
import { keepNode } from "./keep.ts";

export interface OwnNodeOptions {
  readonly name: string;
  readonly clock: Clock;
  /** @param isGone it was deleted; node() is as it was */
  readonly onChange: (isGone: boolean) => void;
  readonly onError: (error: unknown) => void;
}

export class OwnNode {
  readonly #informer: Informer<Node>;
  readonly #waiting = new Set<() => void>();
  readonly #clock: Clock;
  #node: Node | undefined;

  constructor(client: Client, { name, clock, onChange, onError }: OwnNodeOptions) {
    this.#clock = clock;
    const fieldSelector = `metadata.name=${name}`;
    this.#informer = new Informer(client, resourceTypes.nodes, { fieldSelector, keep: keepNode, clock, onError });
    const take = (node: Node): void => {
      this.#node = node;
      for (const look of [...this.#waiting]) look();
      onChange(false);
    };
    this.#informer.subscribe({
      onAdd: take,
      onUpdate: (_, node) => take(node),
      // The cluster forgets the node; its packets go on as long as it lives.
      onDelete: () => onChange(true),
    });
  }

  start(): void {
    this.#informer.start();
  }

  stop(): void {
    this.#informer.stop();
    for (const look of [...this.#waiting]) look();
  }

  /** As it was seen last. */
  get node(): Node | undefined {
    return this.#node;
  }

  /** Waits for a node that is enough. @returns whether it came in time */
  async until(isEnough: (node: Node) => boolean, timeoutMs: number): Promise<boolean> {
    const holds = (): boolean => this.#node !== undefined && isEnough(this.#node);
    if (holds()) return true;
    return new Promise((resolve) => {
      const done = (came: boolean): void => {
        cancel();
        this.#waiting.delete(look);
        resolve(came);
      };
      const look = (): void => {
        if (holds()) done(true);
      };
      const cancel = this.#clock.after(timeoutMs, () => done(false));
      this.#waiting.add(look);
    });
  }
}
