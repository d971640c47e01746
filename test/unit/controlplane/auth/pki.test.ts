/** The cluster's certificates: made once, checked at each start, renewed in time. */
import { X509Certificate } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { kubeconfig } from "../../../../src/controlplane/apiserver/certificates/kubeconfig.ts";
import { Pki } from "../../../../src/controlplane/apiserver/certificates/pki.ts";
import {
  clientProfile,
  firstAddress,
  servingProfile,
} from "../../../../src/controlplane/apiserver/certificates/serving.ts";
import { parse } from "yaml";

const day = 24 * 60 * 60 * 1000;
const start = Date.now();
let folder: string;
let now: number;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "fairlead-pki-"));
  now = start;
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const open = () => Pki.open({ folder, now: () => now });
const file = (name: string): string => path.join(folder, name);
const serving = (tlsSans: string[] = []) =>
  servingProfile({
    hostname: "HOST1",
    advertiseAddress: "192.0.2.1",
    serviceCidrs: ["10.96.0.0/16", "fd00::/112"],
    tlsSans,
  });

describe("certificates", () => {
  it("are signed by the authority and say what is asked", async () => {
    const pki = await open();
    const { certificate } = await pki.certificate("apiserver", serving(["api.example.com", "192.0.2.9"]));
    const parsed = new X509Certificate(certificate);
    expect(parsed.verify(new X509Certificate(pki.authorityCertificate).publicKey)).toBe(true);
    expect(parsed.checkHost("kubernetes.default.svc.cluster.local")).toBeDefined();
    for (const name of ["kubernetes", "localhost", "host1", "api.example.com"])
      expect(parsed.checkHost(name)).toBeDefined();
    for (const ip of ["127.0.0.1", "::1", "10.96.0.1", "fd00::1", "192.0.2.1", "192.0.2.9"])
      expect(parsed.checkIP(ip)).toBeDefined();
    expect(parsed.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1"]);
    expect(Date.parse(parsed.validTo) - start).toBeGreaterThan(364 * day);
    const admin = new X509Certificate((await pki.certificate("admin", clientProfile("me", ["a", "b"]))).certificate);
    expect([admin.subject, admin.keyUsage]).toEqual(["O=a\nO=b\nCN=me", ["1.3.6.1.5.5.7.3.2"]]);
  });

  it("are kept over a restart, with keys for their owner alone", async () => {
    const first = await (await open()).certificate("apiserver", serving());
    expect(await (await open()).certificate("apiserver", serving())).toEqual(first);
    const modes = readdirSync(folder).map((name) => [name, (statSync(file(name)).mode & 0o777).toString(8)]);
    expect(Object.fromEntries(modes)).toEqual({ "apiserver.pem": "600", "ca.crt": "644", "ca.key": "600" });
  });

  it("are made again for a name more, at two thirds of their life, and under another authority", async () => {
    const pki = await open();
    const first = await pki.certificate("apiserver", serving());
    const second = await pki.certificate("apiserver", serving(["more"]));
    expect(second).not.toEqual(first);
    now = start + 240 * day;
    expect(await pki.certificate("apiserver", serving(["more"]))).toEqual(second);
    now = start + 250 * day;
    const third = await pki.certificate("apiserver", serving(["more"]));
    expect(third).not.toEqual(second);
    expect(new X509Certificate(third.certificate).verify(new X509Certificate(pki.authorityCertificate).publicKey)).toBe(
      true,
    );
    for (const name of ["ca.crt", "ca.key"]) rmSync(file(name));
    expect(await (await open()).certificate("apiserver", serving(["more"]))).not.toEqual(third);
  });

  it("stay good when the authority is renewed, with the key that it has", async () => {
    const pki = await open();
    const before = pki.authorityCertificate;
    now = start + 2400 * day;
    const { certificate } = await pki.certificate("apiserver", serving());
    expect(await pki.renewAuthority()).toBe(false);
    now = start + 2500 * day;
    expect(await pki.renewAuthority()).toBe(true);
    expect(pki.authorityCertificate).not.toBe(before);
    for (const authority of [before, pki.authorityCertificate]) {
      const parsed = new X509Certificate(authority);
      expect(new X509Certificate(certificate).verify(parsed.publicKey)).toBe(true);
      expect(new X509Certificate(certificate).checkIssued(parsed)).toBe(true);
    }
  });

  it("end with their authority at the latest", async () => {
    const pki = await open();
    now = start + 3600 * day;
    const { certificate } = await pki.certificate("late", clientProfile("x", []));
    expect(new X509Certificate(certificate).validTo).toBe(new X509Certificate(pki.authorityCertificate).validTo);
  });

  it("come back where a crash has left the authority's key alone", async () => {
    const { certificate } = await (await open()).certificate("apiserver", serving());
    rmSync(file("ca.crt"));
    const pki = await open();
    expect((await pki.certificate("apiserver", serving())).certificate).toBe(certificate);
  });
});

describe("spoiled files are named", () => {
  const use = async () => (await open()).certificate("apiserver", serving());
  beforeEach(async () => void (await use()));

  it.each<[string, string, () => void]>([
    ["an authority that is no PEM", "ca.crt", () => writeFileSync(file("ca.crt"), "nonsense")],
    ["an authority's key that is no PEM", "ca.key", () => writeFileSync(file("ca.key"), "nonsense")],
    ["an authority without its key", "ca.key", () => rmSync(file("ca.key"))],
    [
      "a certificate in the authority's place",
      "ca.crt",
      () => {
        const text = readFileSync(file("apiserver.pem"), "utf8");
        writeFileSync(file("ca.crt"), text);
        writeFileSync(file("ca.key"), text.slice(text.indexOf("-----BEGIN PRIVATE")));
      },
    ],
    [
      "a key that is not the certificate's",
      "apiserver.pem",
      () => {
        const [certificate] = readFileSync(file("apiserver.pem"), "utf8").split("-----BEGIN PRIVATE");
        writeFileSync(file("apiserver.pem"), certificate! + readFileSync(file("ca.key"), "utf8"));
      },
    ],
    [
      "a certificate without a key",
      "apiserver.pem",
      () => {
        const [certificate] = readFileSync(file("apiserver.pem"), "utf8").split("-----BEGIN PRIVATE");
        writeFileSync(file("apiserver.pem"), certificate!);
      },
    ],
    [
      "a certificate of other bytes",
      "apiserver.pem",
      () => {
        writeFileSync(
          file("apiserver.pem"),
          readFileSync(file("apiserver.pem"), "utf8").replace(/\n(.{20})/, "\nAAAAAAAAAAAAAAAAAAAA"),
        );
      },
    ],
  ])("%s", async (_what, name, spoil) => {
    spoil();
    await expect(use()).rejects.toMatchObject({ code: "CERTIFICATE_FILE", subject: file(name) });
  });
});

it.each([
  ["10.96.0.0/12", "10.96.0.1"],
  ["10.96.7.9/16", "10.96.0.1"],
  ["192.168.4.64/26", "192.168.4.65"],
  ["fd00:10:96::/112", "fd00:10:96::1"],
])("the first address of %s is %s", (cidr, expected) => {
  expect(firstAddress(cidr)).toBe(expected);
});

it("a range that is none is named", () => {
  expect(() => firstAddress("10.96.0.0")).toThrow("cannot use address range 10.96.0.0");
});

it("a kubeconfig says where, whom to trust and who", () => {
  const client = { certificate: "C", key: "K" };
  expect(parse(kubeconfig({ server: "https://h:1", authority: "A", client, user: "u" }))).toMatchObject({
    clusters: [{ cluster: { server: "https://h:1", "certificate-authority-data": "QQ==" } }],
    users: [{ user: { "client-certificate-data": "Qw==", "client-key-data": "Sw==" } }],
    "current-context": "u@fairlead",
  });
});

it("a kubeconfig says names that YAML would read as something else", () => {
  const client = { certificate: "C", key: "K" };
  for (const name of [
    "on",
    "null",
    "10",
    "1e3",
    "a: b",
    "x#y",
    " a",
    "system:node:n1",
    "-",
    "",
    'q"\\',
    "https://[::1]:6443",
  ]) {
    const read = parse(kubeconfig({ server: name, authority: "A", client, user: name, cluster: name })) as object;
    expect(read).toMatchObject({
      clusters: [{ name, cluster: { server: name } }],
      users: [{ name }],
      contexts: [{ name: `${name}@${name}`, context: { cluster: name, user: name } }],
    });
  }
});
