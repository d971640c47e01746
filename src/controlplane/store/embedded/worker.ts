/** The embedded store's worker: one thread owns the database, so that no commit holds up an event loop. */
import { parentPort, workerData } from "node:worker_threads";
import { messageOf } from "../../../errors/message.ts";
import { StoreDatabase } from "./database.ts";
import type { Answers, QuestionMessage, QuestionName, Questions } from "./protocol.ts";

type Executors = { readonly [N in QuestionName]: (question: Questions[N]) => Answers[N] | Promise<Answers[N]> };

const port = parentPort!;
const database = new StoreDatabase((workerData as { file: string }).file);

const executors: Executors = {
  write: ({ ops }) => ({ outcomes: database.write(ops) }),
  get: ({ key }) => ({ row: database.get(key) }),
  range: (options) => database.range(options),
  history: ({ prefix, after, limit }) => database.history(prefix, after, limit),
  revision: () => ({ revision: database.revision }),
  compact: async ({ revision }) => {
    // Other questions are answered between two steps.
    while (!database.compactStep(revision)) await new Promise((resolve) => setImmediate(resolve));
    return { revision };
  },
  expire: ({ nowMs }) => ({ rows: database.expire(nowMs) }),
  close: () => {
    database.close();
    return {};
  },
};

port.on("message", (message: QuestionMessage) => {
  const answer = (): unknown => executors[message.name](message.question as never);
  // A synchronous answer goes out at once: the order of answers is the order of commits.
  try {
    const result = answer();
    if (result instanceof Promise)
      result.then((value) => reply(message, value as Answers[QuestionName]), fail(message));
    else reply(message, result as Answers[QuestionName]);
  } catch (error) {
    fail(message)(error);
  }
});

function reply(message: QuestionMessage, answer: Answers[QuestionName]): void {
  port.postMessage({ id: message.id, answer });
  if (message.name === "close") port.close();
}

function fail(message: QuestionMessage): (error: unknown) => void {
  return (error) => port.postMessage({ id: message.id, error: messageOf(error) });
}
