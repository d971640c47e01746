/** What is done alike with the kernel's answers, whatever they are of. */
import { FairleadError } from "../../errors/catalogue.ts";
import { Pace } from "../../reconcile/pace.ts";
import type { ReceivedMessage } from "../netlink/codec/message.ts";

/** Many messages without keeping the event loop. @param read undefined: the message is left out */
export async function readEach<T>(
  messages: readonly ReceivedMessage[],
  read: (message: ReceivedMessage) => T | undefined,
): Promise<T[]> {
  const values: T[] = [];
  const pace = new Pace();
  for (const message of messages) {
    const value = read(message);
    if (value !== undefined) values.push(value);
    await pace.next();
  }
  return values;
}

/** For `catch`: nothing where the kernel refused with this errno. @throws every other error */
export function noneAt(errno: number): (error: unknown) => never[] {
  return (error) => {
    if (error instanceof FairleadError && error.errno === errno) return [];
    throw error;
  };
}
