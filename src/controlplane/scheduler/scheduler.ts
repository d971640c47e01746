/**
 * The scheduler: takes pods that wait from the queue, decides on the cluster as the informers show it, and binds.
 * A cycle is one synchronous turn, so nothing changes under it; what takes time (binding, writing statuses) runs beside.
 */
import { resourceTypes } from "../../api/resource_types.ts";
import type { Controller, ControllerRow } from "../controllers/controller.ts";
import { Assumptions } from "./assumptions.ts";
import { Binder } from "./binding/binder.ts";
import { VolumeBinder } from "./binding/volume_binder.ts";
import { StatusWriter } from "./binding/status_writer.ts";
import { Cluster } from "./cluster/cluster.ts";
import type { SchedulerContext } from "./context.ts";
import { Cycles } from "./framework/cycle.ts";
import type { ClusterEvent } from "./framework/events.ts";
import { Loop } from "./loop.ts";
import { schedulerName, type PodInfo } from "./model/pod_info.ts";
import { clusterObjects, followObjects } from "./object_events.ts";
import { defaultSchedulerOptions } from "./options.ts";
import { Outcomes } from "./outcomes.ts";
import { podEvents } from "./pod_events.ts";
import { Preemptor } from "./preemption/preemptor.ts";
import { SchedulingQueue } from "./queue/queue.ts";

/** Subscribes to the informers at once; acts from start() to stop(). */
export function startScheduler(context: SchedulerContext): Controller {
  const { client, informers, clock, log } = context;
  const { plugins, random } = { ...defaultSchedulerOptions, ...context.options };
  const cluster = new Cluster(clusterObjects(informers));
  const hints = new Map(plugins.map((plugin) => [plugin.name, plugin]));
  const helps = (plugin: string, event: ClusterEvent, pod: PodInfo): boolean =>
    hints.get(plugin)?.helps?.(event, pod, cluster) ?? false;
  const queue = new SchedulingQueue({ clock, helps, onActive: () => loop.wake() });
  const onEvent = (event: ClusterEvent): void => queue.onEvent(event);
  const statuses = new StatusWriter(client, (pod, err) =>
    log.warn({ pod: `${pod.metadata.namespace}/${pod.metadata.name}`, err }, "cannot write a pod's status"),
  );
  const volumes = new VolumeBinder({ client, informers, clock });
  const binder = new Binder({ client, prepareVolumes: (steps) => volumes.prepare(steps) });
  const assumptions = new Assumptions(clock, (uid) => outcomes.expired(uid));
  const preemptor = new Preemptor({ ...context, cluster, statuses });
  const parts = { cluster, queue, statuses, binder, assumptions, preemptor };
  const outcomes: Outcomes = new Outcomes({ ...context, ...parts, random, onEvent });
  const cycles = new Cycles(cluster, plugins, random);
  const loop = new Loop({
    isBlocked: () => binder.isFull,
    step() {
      const queued = queue.pop();
      if (!queued) return false;
      outcomes.of(queued, cycles);
      return true;
    },
  });
  const unsubscribe = [
    ...followObjects(informers, cluster, onEvent),
    informers
      .of(resourceTypes.pods)
      .subscribe(podEvents({ cluster, queue, onEvent, onSettled: (uid) => assumptions.settled(uid) })),
  ];
  outcomes.onBindingEnded = () => loop.wake();
  return {
    start() {
      queue.start();
      loop.start();
    },
    async stop() {
      loop.stop();
      queue.stop();
      assumptions.stop();
      statuses.stop();
      volumes.stop();
      for (const end of unsubscribe) end();
      await binder.stop();
    },
  };
}

/** Runs where controllers run; its account is kube-scheduler's own, and the name its Events carry. */
export const schedulerRow: ControllerRow = {
  name: "kube-scheduler",
  account: schedulerName,
  make: ({ client, informers, events, clock, log }) => startScheduler({ client, informers, events, clock, log }),
};
