/** No --kubeconfig: upstream's standalone mode. Files alone say which pods are run, and nobody is told of them. */
import { RequestClient } from "../api/request_client.ts";
import { StatusError } from "../api/status_error.ts";
import type { WatchObserver } from "../api/client.ts";
import type { EventRecorder } from "../api/event_recorder.ts";

function refused(): StatusError {
  return new StatusError(0, "ServiceUnavailable", "this kubelet is standalone: it has no --kubeconfig");
}

/** An API that is never there. */
export class NoApi extends RequestClient {
  protected override send<Answer>(): Promise<Answer> {
    return Promise.reject(refused());
  }

  override list(): Promise<never> {
    return Promise.reject(refused());
  }

  override watch(_type: unknown, _options: unknown, observer: WatchObserver<never>): () => void {
    const immediate = setImmediate(() => observer.onEnd(refused()));
    return () => clearImmediate(immediate);
  }
}

export const noEvents: EventRecorder & { stop(timeoutMs: number): Promise<void> } = {
  event: () => undefined,
  stop: () => Promise.resolve(),
};
