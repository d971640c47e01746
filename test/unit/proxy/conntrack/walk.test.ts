/**
 * Random walks: Services come, change and go, clients begin flows as the rules would have them, conntrack fails now and
 * then; what is left is always just what the rules of the moment would make.
 */
import { expect, it } from "vitest";
import { FairleadError } from "../../../../src/errors/catalogue.ts";
import { FakeConntrack } from "../../../../src/kernel/fake/conntrack.ts";
import type { ConntrackEntry } from "../../../../src/kernel/netlink/ctnetlink/entry.ts";
import type { ConntrackPort } from "../../../../src/kernel/ports.ts";
import type { IpAddress } from "../../../../src/model/address.ts";
import { ConntrackCleaner } from "../../../../src/proxy/conntrack/cleaner.ts";
import type { WantedPort } from "../../../../src/proxy/derive/derive.ts";
import { FakeClock } from "../../../fixtures/fake_clock.ts";
import { watchLoop } from "../../../fixtures/event_loop.ts";
import { serviceFlow } from "../../../fixtures/flows_of_services.ts";
import { endpoint, endpoints, servicePort, wanted } from "../../../fixtures/proxied.ts";
import fc from "../../../fixtures/property.ts";

const node = "192.0.2.1" as IpAddress;
const shared = "203.0.113.1" as IpAddress;
const pool = [1, 2, 3].map((i) => endpoint(`10.245.0.${i}`, false, 53));
const key = ({ ip, port }: { readonly ip: string; readonly port: number }): string => `${ip}:${port}`;

/** Which Service, which of the pool serve it (undefined: it goes), and what it has beside its cluster IP. */
const change = fc.record({
  service: fc.nat(2),
  serving: fc.option(fc.subarray(pool), { nil: undefined }),
  isShared: fc.boolean(),
  hasNodePort: fc.boolean(),
  fails: fc.boolean(),
  /** Of each flow that begins: the frontend, and which of its endpoints. */
  begin: fc.array(fc.tuple(fc.nat(20), fc.nat(20)), { maxLength: 6 }),
});

type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

class Walk {
  readonly fake = new FakeConntrack();
  readonly clock = new FakeClock();
  readonly services = new Map<string, WantedPort>();
  #fails = false;
  #flows = 0;
  readonly cleaner: ConntrackCleaner;

  constructor() {
    const failing = <T>(call: () => Promise<T>): Promise<T> => {
      const fails = this.#fails;
      this.#fails = false;
      const refused = new FairleadError("NETLINK_OVERRUN", { subject: "conntrack", reason: "injected", errno: 105 });
      return fails ? Promise.reject(refused) : call();
    };
    const port: Pick<ConntrackPort, "list" | "delete"> = {
      list: (filters) => this.fake.list(filters),
      delete: (entries) => failing(() => this.fake.delete(entries)),
    };
    this.cleaner = new ConntrackCleaner(port as ConntrackPort, {
      clock: this.clock,
      onCleaned: () => undefined,
      onError: () => undefined,
    });
    this.cleaner.setNodePortAddresses([node]);
  }

  async step({ service, serving, isShared, hasNodePort, fails, begin }: Change): Promise<void> {
    const name = `ns/${service}`;
    const port = servicePort(service, {
      protocol: "UDP",
      port: 53,
      externalIps: isShared ? [shared] : [],
      nodePort: hasNodePort ? 30_000 + service : 0,
    });
    if (serving) this.services.set(name, wanted(port, serving));
    else this.services.delete(name);
    this.#fails = fails;
    this.cleaner.programmed("IPv4", [[name, this.services.get(name)]]);
    const before = await this.fake.list();
    for (let i = 0; i < 4; i++) {
      this.clock.advance(60_000);
      await this.cleaner.settled();
    }
    const after = await this.fake.list();
    expect(after.map(text)).toEqual(before.filter((entry) => this.#isRight(entry)).map(text));
    for (const [where, whereTo] of begin) this.#begin(where, whereTo);
  }

  /** As rules would have it: to any endpoint that serves, or on as it is. */
  #begin(where: number, whereTo: number): void {
    const places = [
      ...[0, 1, 2].flatMap((i) => [
        { to: `10.96.0.${i}`, port: 53 },
        { to: node, port: 30_000 + i },
        { to: "192.0.2.9", port: 30_000 + i },
      ]),
      { to: shared, port: 53 },
    ];
    const place = places[where % places.length]!;
    const serving = this.#serving(place.to, place.port) ?? [];
    const via = serving.length === 0 ? {} : { via: serving[whereTo % serving.length]! };
    this.fake.insert(serviceFlow(this.#flows++, { ...place, ...via }));
  }

  #isRight({ original, reply }: ConntrackEntry): boolean {
    const serving = this.#serving(original.destination, original.destinationPort!);
    const backend = key({ ip: reply.source, port: reply.sourcePort! });
    const goesOn = backend === key({ ip: original.destination, port: original.destinationPort! });
    return serving !== undefined && serving.length > 0 ? serving.includes(backend) : goesOn;
  }

  /** Endpoints of all that claim a frontend; undefined: nobody does. */
  #serving(to: string, port: number): readonly string[] | undefined {
    const claims = [...this.services.values()].filter(({ frontends }) =>
      frontends.some((frontend) => frontend.port === port && (frontend.address ?? node) === to),
    );
    return claims.length === 0 ? undefined : claims.flatMap(({ serving }) => serving.map(key));
  }
}

function text({ original, reply, id }: ConntrackEntry): string {
  return `${id} ${original.destination}:${original.destinationPort} ${reply.source}:${reply.sourcePort}`;
}

it("leaves just the flows that the rules would make", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 25 }), async (changes) => {
      const walk = new Walk();
      for (const one of changes) await walk.step(one);
      await walk.cleaner.close();
    }),
    { numRuns: process.env["FAIRLEAD_LONG"] ? 2000 : 100 },
  );
});

it("takes thousands of service ports without holding anybody up", async () => {
  const ports = Array.from({ length: 4000 }, (_, i): [string, WantedPort] => [
    `ns/${i}`,
    wanted(servicePort(i, { protocol: "UDP" }), endpoints(4, 4 * i)),
  ]);
  const { longestMs } = await watchLoop(async () => {
    const { cleaner } = new Walk();
    cleaner.programmed("IPv4", ports);
    await cleaner.settled();
    await cleaner.close();
  });
  expect(longestMs).toBeLessThan(50);
});
