/**
 * Ends of containers as containerd tells them on the socket of its CRI: 1.6 and, by default, 1.7 have no events of CRI's
 * own. Only that something ended is taken from here; what it is, CRI is asked.
 */
import { openChannel } from "./channel.ts";
import type { ContainerEventObserver } from "./runtime.ts";

const proto = `
syntax = "proto3";
package containerd.services.events.v1;
service Events { rpc Subscribe(SubscribeRequest) returns (stream Envelope); }
message SubscribeRequest { repeated string filters = 1; }
message Any { string type_url = 1; bytes value = 2; }
message Timestamp { int64 seconds = 1; int32 nanos = 2; }
message Envelope { Timestamp timestamp = 1; string namespace = 2; string topic = 3; Any event = 4; }
`;

/** Of Kubernetes in containerd. */
const namespace = "k8s.io";

interface Envelope {
  readonly event: { readonly value: Buffer } | null;
  readonly timestamp: { readonly seconds: number; readonly nanos: number } | null;
}

/** @returns how to stop */
export function watchContainerdTasks(endpoint: string, observer: ContainerEventObserver): () => void {
  const channel = openChannel({ endpoint, proto, headers: { "containerd-namespace": namespace } });
  const filters = [`namespace==${namespace},topic=="/tasks/exit"`, `namespace==${namespace},topic=="/tasks/oom"`];
  const stop = channel.stream(
    "containerd.services.events.v1.Events",
    "Subscribe",
    { filters },
    {
      onMessage(message) {
        const { event, timestamp } = message as Envelope;
        const containerId = endedContainer(event?.value);
        if (containerId === undefined) return;
        observer.onEvent({ containerId, ...(timestamp ? { atMs: timeOf(timestamp) } : {}) });
      },
      onEnd(error) {
        channel.close();
        observer.onEnd(error);
      },
    },
  );
  return () => {
    stop();
    channel.close();
  };
}

function timeOf({ seconds, nanos }: NonNullable<Envelope["timestamp"]>): number {
  return seconds * 1000 + nanos / 1e6;
}

/**
 * TaskExit and TaskOOM begin with `string container_id = 1`; TaskExit goes on with `string id = 2`, which is the
 * container's for its own process, and another for one that was started in it: each probe by a command is one
 * (containerd, api/events/task.proto).
 */
export function endedContainer(bytes: Buffer = Buffer.alloc(0)): string | undefined {
  const container = textAt(bytes, 0, 1);
  if (container === undefined) return undefined;
  const process = textAt(bytes, 2 + Buffer.byteLength(container), 2);
  return process === undefined || process === container ? container : undefined;
}

/** A field of text that begins there. An id is shorter than 128 bytes: its length is one byte. */
function textAt(bytes: Buffer, at: number, field: number): string | undefined {
  const length = bytes[at + 1] ?? 0;
  if (bytes[at] !== ((field << 3) | 2) || length > 127) return undefined;
  return bytes.subarray(at + 2, at + 2 + length).toString();
}
