import { FakeSysctl } from "../../src/kernel/fake/sysctl.ts";
import { describeSysctl, parameters } from "./sysctl.ts";

describeSysctl("fake", () => Promise.resolve({ port: new FakeSysctl(parameters), close: () => {} }));
