/** What every SysctlPort does, on parameters that every namespace has. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { SysctlPort } from "../../src/kernel/ports.ts";

export interface SysctlSubject {
  /** It has the parameters of {@link parameters}; the link is named "eth0.100". */
  readonly port: SysctlPort;
  close(): void;
}

/** Each with the value that a new namespace has. */
export const parameters = {
  "net/ipv4/ip_unprivileged_port_start": "1024",
  "net/ipv4/ip_local_port_range": "32768\t60999",
  "net/ipv4/conf/all/route_localnet": "0",
  "net/ipv4/conf/eth0.100/arp_ignore": "0",
} as const;

export function describeSysctl(title: string, open: () => Promise<SysctlSubject>): void {
  describe(`sysctl port: ${title}`, () => {
    let subject: SysctlSubject;
    let port: SysctlPort;
    beforeEach(async () => {
      subject = await open();
      port = subject.port;
    });
    afterEach(() => subject.close());

    it.each(Object.entries(parameters))("reads %s", async (name, value) => {
      expect(await port.read(name)).toBe(value);
    });

    it.each(["net.ipv4.conf.eth0/100.arp_ignore", "net/ipv4/conf/eth0.100/arp_ignore"])(
      "finds a link whose name has a dot by %s",
      async (name) => {
        await port.write(name, "1");
        expect(await port.read("net/ipv4/conf/eth0.100/arp_ignore")).toBe("1");
      },
    );

    it("writes one value and several", async () => {
      await port.write("net.ipv4.conf.all.route_localnet", "1\n");
      expect(await port.read("net/ipv4/conf/all/route_localnet")).toBe("1");
      await port.write("net.ipv4.ip_local_port_range", "40000\t50000");
      expect(await port.read("net.ipv4.ip_local_port_range")).toBe("40000\t50000");
    });

    it("changes one namespace only", async () => {
      const other = await open();
      await port.write("net.ipv4.ip_unprivileged_port_start", "0");
      expect(await other.port.read("net.ipv4.ip_unprivileged_port_start")).toBe("1024");
      other.close();
    });

    it("refuses what is not there, and what is no value", async () => {
      await expect(port.read("net.ipv4.none")).rejects.toMatchObject({ code: "NATIVE_CALL", errno: 2 });
      await expect(port.write("net.ipv4.none", "1")).rejects.toMatchObject({ code: "NATIVE_CALL", errno: 2 });
      const written = port.write("net.ipv4.conf.all.route_localnet", "yes");
      await expect(written).rejects.toMatchObject({ code: "NATIVE_CALL", errno: 22 });
      expect(await port.read("net.ipv4.conf.all.route_localnet")).toBe("0");
    });

    it.each(["", ".", "net..ipv4", "/net/ipv4", "net/../../etc/passwd", "net/ipv4/", "a\0b"])(
      "refuses %j, which is no name",
      async (name) => {
        await expect(port.read(name)).rejects.toMatchObject({ code: "KERNEL_ARGUMENT" });
        await expect(port.write(name, "1")).rejects.toMatchObject({ code: "KERNEL_ARGUMENT" });
      },
    );
  });
}
