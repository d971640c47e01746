/** Who leads, with time that the test moves and a Lease on a server that can be made to fail. */
import { afterEach, describe, expect, it } from "vitest";
import type { Client } from "../../../src/api/client.ts";
import { LeaderElection, type Term } from "../../../src/api/leader_election.ts";
import { StatusError } from "../../../src/api/status_error.ts";
import type { Lease } from "../../../src/model/kubernetes.ts";
import { FakeClock } from "../../fixtures/fake_clock.ts";

const times = { leaseMs: 10_000, renewDeadlineMs: 6500, retryMs: 1500 };
const settle = () => new Promise((resolve) => setTimeout(resolve, 1));

/** One Lease, written by version; it refuses as the API server does. */
class LeaseServer {
  lease: Lease | undefined;
  #version = 100;
  readonly writes: Lease[] = [];

  client(gate: { fails: boolean; hangs?: boolean }): Client {
    const open = async (): Promise<void> => {
      if (gate.hangs) await new Promise(() => undefined);
      await Promise.resolve();
      if (gate.fails) throw new StatusError(0, "", "no answer");
    };
    const write = (lease: Lease): Lease => {
      const metadata = { ...lease.metadata, resourceVersion: String(++this.#version) };
      this.lease = { ...lease, metadata };
      this.writes.push(this.lease);
      return this.lease;
    };
    return {
      get: async () => {
        await open();
        if (!this.lease) throw new StatusError(404, "NotFound", "no lease");
        return this.lease;
      },
      create: async (_type: unknown, lease: Lease) => {
        await open();
        if (this.lease) throw new StatusError(409, "AlreadyExists", "there is one");
        return write(lease);
      },
      update: async (_type: unknown, lease: Lease) => {
        await open();
        if (this.lease?.metadata.resourceVersion !== lease.metadata.resourceVersion) {
          throw new StatusError(409, "Conflict", "changed");
        }
        return write(lease);
      },
    } as unknown as Client;
  }
}

interface Candidate {
  readonly election: LeaderElection;
  readonly gate: { fails: boolean; hangs?: boolean };
  readonly terms: Term[];
  readonly said: string[];
  stopped: number;
}

class Contest {
  readonly clock = new FakeClock();
  readonly server = new LeaseServer();
  readonly candidates: Candidate[] = [];

  join(identity: string, lead?: () => Promise<void>): Candidate {
    const gate = { fails: false };
    const terms: Term[] = [];
    const said: string[] = [];
    const election = new LeaderElection({
      client: this.server.client(gate),
      events: { event: (_about, _type, reason, message) => said.push(`${reason} ${message}`) },
      lease: { namespace: "kube-system", name: "kube-controller-manager" },
      identity,
      times,
      lead: async (term) => {
        terms.push(term);
        await lead?.();
        return {
          stop: () => {
            candidate.stopped++;
            return Promise.resolve();
          },
        };
      },
      onError: () => undefined,
      clock: this.clock,
      monotonic: () => this.clock.now(),
    });
    const candidate: Candidate = { election, gate, terms, said, stopped: 0 };
    this.candidates.push(candidate);
    election.start();
    return candidate;
  }

  get leaders(): number {
    return this.candidates.filter(({ election }) => election.isLeader).length;
  }

  /** Never two at any moment. */
  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 100) {
      this.clock.advance(100);
      await settle();
      expect(this.leaders).toBeLessThanOrEqual(1);
    }
  }

  async end(): Promise<void> {
    for (const { election, gate } of this.candidates) {
      gate.fails = false;
      void election.stop();
    }
    for (let i = 0; i < 100; i++) {
      this.clock.advance(500);
      await settle();
    }
  }
}

let contest: Contest;
afterEach(() => contest.end());

async function two(): Promise<[Candidate, Candidate]> {
  contest = new Contest();
  const first = contest.join("a");
  await settle();
  const second = contest.join("b");
  await settle();
  return [first, second];
}

describe("leader election", () => {
  it("lets the first lead, and writes the Lease as upstream does", async () => {
    const [first, second] = await two();
    expect([first.election.isLeader, second.election.isLeader]).toEqual([true, false]);
    expect(contest.server.lease?.spec).toEqual({
      holderIdentity: "a",
      leaseDurationSeconds: 10,
      acquireTime: "2026-01-01T00:00:00.000000Z",
      renewTime: "2026-01-01T00:00:00.000000Z",
      leaseTransitions: 0,
    });
    await contest.pass(30_000);
    expect(first.terms).toHaveLength(1);
    expect(second.terms).toHaveLength(0);
    expect(contest.server.lease?.spec).toMatchObject({
      holderIdentity: "a",
      acquireTime: "2026-01-01T00:00:00.000000Z",
      renewTime: expect.stringMatching(/^2026-01-01T00:00:(2[89]|30)/) as string,
      leaseTransitions: 0,
    });
    expect(first.said).toEqual(["LeaderElection a became leader"]);
  });

  it("stops a leader that cannot renew before the other takes over", async () => {
    const [first, second] = await two();
    first.gate.fails = true;
    await contest.pass(6400);
    expect(first.terms[0]!.isHeld()).toBe(true);
    await contest.pass(200);
    expect(first.terms[0]!.isHeld()).toBe(false);
    expect(first.stopped).toBe(1);
    expect(second.election.isLeader).toBe(false);
    await contest.pass(8400);
    expect(second.election.isLeader).toBe(true);
    expect(second.terms[0]!.number).toBeGreaterThan(first.terms[0]!.number);
    expect(contest.server.lease?.spec).toMatchObject({ holderIdentity: "b", leaseTransitions: 1 });
    expect(first.said).toEqual(["LeaderElection a became leader", "LeaderElection a stopped leading"]);
  });

  it("stops a leader whose server does not answer at all", async () => {
    const [first] = await two();
    first.gate.hangs = true;
    await contest.pass(6600);
    expect(first.terms[0]!.isHeld()).toBe(false);
    expect(first.stopped).toBe(1);
  });

  it("rides out a failure that is shorter than the deadline", async () => {
    const [first, second] = await two();
    first.gate.fails = true;
    await contest.pass(4000);
    first.gate.fails = false;
    await contest.pass(20_000);
    expect(first.terms).toHaveLength(1);
    expect(first.stopped).toBe(0);
    expect(second.terms).toHaveLength(0);
  });

  it("gives the Lease up when it is stopped, behind what it led", async () => {
    const [first, second] = await two();
    await first.election.stop();
    expect(first.stopped).toBe(1);
    expect(contest.server.lease?.spec).toMatchObject({
      holderIdentity: "",
      leaseDurationSeconds: 1,
      leaseTransitions: 0,
    });
    await contest.pass(1900);
    expect(second.election.isLeader).toBe(true);
    expect(contest.server.lease?.spec).toMatchObject({ holderIdentity: "b", leaseTransitions: 1 });
  });

  it("does not lead on a pause's first moment, as a process that was stopped wakes", async () => {
    const [first, second] = await two();
    // Nothing of this process ran for 20 s; the other's did.
    first.gate.hangs = true;
    await contest.pass(20_000);
    expect(first.terms[0]!.isHeld()).toBe(false);
    expect(second.election.isLeader).toBe(true);
    expect(first.terms).toHaveLength(1);
  });

  it("ends a term whose work does not start, so that another may try", async () => {
    contest = new Contest();
    const broken = contest.join("a", () => Promise.reject(new Error("no")));
    await settle();
    contest.join("b");
    await contest.pass(3000);
    expect(broken.election.isLeader).toBe(false);
    expect(contest.candidates[1]!.election.isLeader || contest.server.lease?.spec.holderIdentity === "").toBe(true);
  });

  it("takes the Lease of a name that is its own, in a later term", async () => {
    const [first] = await two();
    first.gate.fails = true;
    await contest.pass(7000);
    first.gate.fails = false;
    await contest.pass(2500);
    expect(first.terms).toHaveLength(2);
    expect(first.terms[1]!.number).toBeGreaterThan(first.terms[0]!.number);
    expect(first.terms.map((term) => term.isHeld())).toEqual([false, true]);
    expect(contest.server.lease?.spec.leaseTransitions).toBe(0);
  });
});
