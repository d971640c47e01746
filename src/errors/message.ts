import { FairleadError } from "./catalogue.ts";

/** What was thrown, as text for a log, an Event or an answer: anything can be thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The same without the code and the subject of one of our own errors: for who names these already. */
export function reasonOf(thrown: unknown): string {
  return thrown instanceof FairleadError ? thrown.reason : messageOf(thrown);
}
