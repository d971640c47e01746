/**
 * What the kinds of queueing disciplines have of their own: TCA_KIND and TCA_OPTIONS
 * (include/uapi/linux/pkt_sched.h). Rates are in bytes per second.
 */
import { attr, attributes, tagged } from "../codec/attributes.ts";
import { bool8, bytes, cstring, fixed, struct, u16, u32, u64, u8 } from "../codec/codec.ts";

/** struct tc_ratespec. The kernel wants `linkLayer` 1 (Ethernet), else a table of transmission times. */
const rateSpec = struct({
  cellLog: u8,
  linkLayer: u8,
  overhead: u16,
  cellAlign: u16,
  minPacket: u16,
  /** 2^32-1 where the 64-bit attribute holds the rate. */
  rate: u32,
});

/** Token bucket. `burst` (bytes) goes before `parameters.buffer` (ticks of 64 ns at `rate`). */
const tbf = attributes({
  parameters: attr(
    1,
    struct({
      rate: rateSpec,
      peakRate: rateSpec,
      /** Bytes that may wait. */
      limit: u32,
      buffer: u32,
      mtu: u32,
    }),
  ),
  rate64: attr(4, u64),
  peakRate64: attr(5, u64),
  burst: attr(6, u32),
  peakBurst: attr(7, u32),
});

const fq = attributes({
  limit: attr(1, u32),
  flowLimit: attr(2, u32),
  quantum: attr(3, u32),
  initialQuantum: attr(4, u32),
  rateEnabled: attr(5, u32),
  flowMaxRate: attr(7, u32),
  bucketsLog: attr(8, u32),
  /** Microseconds. */
  flowRefillDelay: attr(9, u32),
  orphanMask: attr(10, u32),
  lowRateThreshold: attr(11, u32),
  /** Microseconds. */
  congestionThreshold: attr(12, u32),
  /** Nanoseconds. */
  timerSlack: attr(13, u32),
  /** Microseconds. */
  horizon: attr(14, u32),
  horizonDrop: attr(15, bool8),
});

const fqCodel = attributes({
  /** Microseconds. */
  target: attr(1, u32),
  limit: attr(2, u32),
  /** Microseconds. */
  interval: attr(3, u32),
  ecn: attr(4, u32),
  flows: attr(5, u32),
  quantum: attr(6, u32),
  /** Microseconds. */
  congestionThreshold: attr(7, u32),
  dropBatchSize: attr(8, u32),
  memoryLimit: attr(9, u32),
});

const htb = attributes({
  /** struct tc_htb_glob; `version` is 3. */
  init: attr(2, struct({ version: u32, rateToQuantum: u32, defaultClass: u32, debug: u32, directPackets: u32 })),
  directQueueLength: attr(5, u32),
});

const nothing = attributes({});
/** struct tc_prio_qopt */
const bands = struct({ bands: u32, priorityMap: fixed(16, bytes(16, 16)) });
/** struct tc_fifo_qopt */
const fifo = struct({ limit: u32 });

/** Any other kind decodes to "other", with its options as bytes. */
export const qdiscOptions = tagged("kind", attr(1, cstring(15)), 2, {
  clsact: nothing,
  ingress: nothing,
  noqueue: nothing,
  mq: nothing,
  tbf,
  fq,
  fq_codel: fqCodel,
  htb,
  prio: bands,
  pfifo_fast: bands,
  pfifo: fifo,
  bfifo: fifo,
});
