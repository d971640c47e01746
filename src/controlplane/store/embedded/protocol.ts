/** What the embedded store's main side and its worker say to each other. Plain data; Buffers arrive as Uint8Array. */
import type { RangeOptions } from "../store.ts";

/** What another key must hold for a write to be made. */
export interface WriteFence {
  readonly key: string;
  readonly value: Uint8Array;
}

export type WriteOp = { readonly fence?: WriteFence | undefined } & (
  | { readonly op: "create"; readonly key: string; readonly value: Uint8Array; readonly expiresAtMs: number | null }
  | {
      readonly op: "update";
      readonly key: string;
      readonly value: Uint8Array;
      readonly expected: number;
      readonly expiresAtMs: number | null;
    }
  | { readonly op: "delete"; readonly key: string; readonly expected: number }
);

/** What became of one write: its revision (and the key's create revision), or why it was refused. */
export type WriteOutcome =
  | { readonly revision: number; readonly createRevision: number }
  | { readonly refused: "exists" | "conflict" | "fenced"; readonly current: number };

export interface StoredRow {
  readonly key: string;
  readonly value: Uint8Array;
  readonly createRevision: number;
  readonly modRevision: number;
}

export type LogRow =
  | ({ readonly deleted: false } & StoredRow)
  | { readonly deleted: true; readonly key: string; readonly modRevision: number };

export type Refusal = { readonly refused: "compacted" | "future"; readonly revision: number };

/** One question's answer, by the question's name. */
export interface Answers {
  write: { readonly outcomes: readonly WriteOutcome[] };
  get: { readonly row: StoredRow | undefined };
  range: Refusal | { readonly rows: readonly StoredRow[]; readonly revision: number; readonly remaining: number };
  /** The next events behind `after`; `complete` when nothing newer was committed at that moment. */
  history: Refusal | { readonly rows: readonly LogRow[]; readonly revision: number; readonly complete: boolean };
  revision: { readonly revision: number };
  compact: { readonly revision: number };
  /** Removes what has expired by now; the rows are the deletions. */
  expire: { readonly rows: readonly LogRow[] };
  close: Record<string, never>;
}

export interface Questions {
  write: { readonly ops: readonly WriteOp[] };
  get: { readonly key: string };
  range: RangeOptions;
  history: { readonly prefix: string; readonly after: number; readonly limit: number };
  revision: Record<string, never>;
  compact: { readonly revision: number };
  expire: { readonly nowMs: number };
  close: Record<string, never>;
}

export type QuestionName = keyof Questions;

export interface QuestionMessage {
  readonly id: number;
  readonly name: QuestionName;
  readonly question: Questions[QuestionName];
}

export type AnswerMessage =
  { readonly id: number; readonly answer: Answers[QuestionName] } | { readonly id: number; readonly error: string };
