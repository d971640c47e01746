import { FakeRelay } from "../../src/kernel/fake/relay.ts";
import { parseIp } from "../../src/model/address.ts";
import { describeRelay, relayListeners } from "./relay.ts";

const [takenPort, freePort] = [30_080, 30_081];
const address = parseIp("127.0.0.1")!;

describeRelay("fake", () => {
  const port = new FakeRelay(relayListeners, [takenPort]);
  return Promise.resolve({
    port,
    endpoints: [8080, 8081],
    takenPort,
    freePort,
    reached: (protocol, to) => {
      const frontend = port.frontendAt(to, { address, port: to });
      const endpoint = frontend?.protocol === protocol ? frontend.endpoints.slice(4, 6) : "";
      return Promise.resolve(endpoint === "" ? undefined : Buffer.from(endpoint, "latin1").readUInt16BE());
    },
    close: () => port.close(),
  });
});
