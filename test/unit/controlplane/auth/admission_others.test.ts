/** Admission of everything but pods: what each plug-in adds, and what it refuses. */
import {
  certificateApproval,
  certificateRequestUser,
  certificateSigning,
  certificateSubjectRestriction,
} from "../../../../src/controlplane/apiserver/admission/certificates.ts";
import { DefaultIngressClass } from "../../../../src/controlplane/apiserver/admission/default_ingress_class.ts";
import { DefaultStorageClass } from "../../../../src/controlplane/apiserver/admission/default_storage_class.ts";
import { defaultTolerationSeconds } from "../../../../src/controlplane/apiserver/admission/default_toleration_seconds.ts";
import { PersistentVolumeClaimResize } from "../../../../src/controlplane/apiserver/admission/persistent_volume_claim_resize.ts";
import { storageObjectInUseProtection } from "../../../../src/controlplane/apiserver/admission/storage_object_in_use_protection.ts";
import { taintNodesByCondition } from "../../../../src/controlplane/apiserver/admission/taint_nodes_by_condition.ts";
import type { ApiObject } from "../../../../src/controlplane/apiserver/resources/resource.ts";
import { loadX509 } from "../../../../src/controlplane/apiserver/certificates/x509.ts";
import { fakeLookup, namespaced, object } from "../../../fixtures/objects.ts";
import { webcrypto } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { changed, pod, request, run } from "../../../fixtures/admission.ts";

describe("what is added where nothing is said", () => {
  const marked = (kind: string, name: string, annotation: string, creationTimestamp: string) =>
    object(kind, name, {}, { annotations: { [annotation]: "true" }, creationTimestamp });
  const storageAnnotation = "storageclass.kubernetes.io/is-default-class";
  const storage = new DefaultStorageClass(
    fakeLookup({
      "storage.k8s.io/storageclasses": [
        marked("StorageClass", "old", storageAnnotation, "2020-01-01T00:00:00Z"),
        marked("StorageClass", "new-b", storageAnnotation, "2021-01-01T00:00:00Z"),
        marked("StorageClass", "new-a", storageAnnotation, "2021-01-01T00:00:00Z"),
        object("StorageClass", "plain", {}, { creationTimestamp: "2022-01-01T00:00:00Z" }),
      ],
    }),
  );

  it.each<[object, string]>([
    [{}, "new-a"],
    [{ storageClassName: "" }, ""],
    [{ storageClassName: "own" }, "own"],
  ])("a claim of %j gets the class %s", async (spec, expected) => {
    const made = await changed(
      storage,
      "CREATE persistentvolumeclaims",
      namespaced("PersistentVolumeClaim", "c", { spec }),
    );
    expect(made.spec.storageClassName).toBe(expected);
  });

  it("an Ingress gets the default class, unless it names one in the old way", async () => {
    const plugin = new DefaultIngressClass(
      fakeLookup({
        "networking.k8s.io/ingressclasses": [
          marked("IngressClass", "web", "ingressclass.kubernetes.io/is-default-class", ""),
        ],
      }),
    );
    const ingress = (metadata: object) => namespaced("Ingress", "i", { spec: {} }, metadata);
    expect((await changed(plugin, "CREATE ingresses", ingress({}))).spec).toEqual({ ingressClassName: "web" });
    expect(
      (await changed(plugin, "CREATE ingresses", ingress({ annotations: { "kubernetes.io/ingress.class": "x" } })))
        .spec,
    ).toEqual({});
  });

  const stays = (key: string) => ({
    key: `node.kubernetes.io/${key}`,
    operator: "Exists",
    effect: "NoExecute",
    tolerationSeconds: 300,
  });
  it.each<[object[], object[]]>([
    [[], [stays("not-ready"), stays("unreachable")]],
    [
      [{ key: "node.kubernetes.io/not-ready", operator: "Exists" }],
      [{ key: "node.kubernetes.io/not-ready", operator: "Exists" }, stays("unreachable")],
    ],
    [[{ operator: "Exists" }], [{ operator: "Exists" }]],
    [
      [{ operator: "Exists", effect: "NoSchedule" }],
      [{ operator: "Exists", effect: "NoSchedule" }, stays("not-ready"), stays("unreachable")],
    ],
  ])("a pod that tolerates %j tolerates %j", async (tolerations, expected) => {
    expect((await changed(defaultTolerationSeconds, "CREATE pods", pod({ tolerations }))).spec.tolerations).toEqual(
      expected,
    );
  });

  it("claims and volumes are protected, once", async () => {
    const claim = await changed(
      storageObjectInUseProtection,
      "CREATE persistentvolumeclaims",
      namespaced("PersistentVolumeClaim", "c"),
    );
    expect(claim.metadata.finalizers).toEqual(["kubernetes.io/pvc-protection"]);
    const volume = object("PersistentVolume", "v", {}, { finalizers: ["kubernetes.io/pv-protection"] });
    expect(
      (await changed(storageObjectInUseProtection, "CREATE persistentvolumes", volume)).metadata.finalizers,
    ).toEqual(["kubernetes.io/pv-protection"]);
  });

  it("a new node is tainted, once", async () => {
    const taint = { key: "node.kubernetes.io/not-ready", effect: "NoSchedule" };
    expect((await changed(taintNodesByCondition, "CREATE nodes", object("Node", "n"))).spec.taints).toEqual([taint]);
    expect(
      (await changed(taintNodesByCondition, "CREATE nodes", object("Node", "n", { spec: { taints: [taint] } }))).spec
        .taints,
    ).toEqual([taint]);
  });
});

describe("PersistentVolumeClaimResize", () => {
  const plugin = new PersistentVolumeClaimResize(
    fakeLookup({
      "storage.k8s.io/storageclasses": [
        object("StorageClass", "wide", { allowVolumeExpansion: true }),
        object("StorageClass", "fixed"),
      ],
    }),
  );
  const claim = (storage: string, storageClassName: string, phase = "Bound") =>
    namespaced("PersistentVolumeClaim", "c", {
      spec: { storageClassName, resources: { requests: { storage } } },
      status: { phase },
    });
  it.each<[string, ApiObject, ApiObject, string]>([
    ["grows in a class that lets it", claim("2Gi", "wide"), claim("1Gi", "wide"), ""],
    ["stays", claim("1Gi", "fixed"), claim("1024Mi", "fixed"), ""],
    [
      "grows in one that does not",
      claim("2Gi", "fixed"),
      claim("1Gi", "fixed"),
      "the storageclass that provisions the pvc must support resize",
    ],
    [
      "grows before it is bound",
      claim("2Gi", "wide"),
      claim("1Gi", "wide", "Pending"),
      "Only bound persistent volume claims can be expanded",
    ],
  ])("a claim that %s", async (_what, now, old, why) => {
    const said = await run(plugin, request("UPDATE persistentvolumeclaims", now, old));
    if (why === "") expect(said).toBe("");
    else expect(said).toContain(why);
  });
});

describe("certificate signing requests", () => {
  const csr = (spec: object, status: object = {}) => object("CertificateSigningRequest", "c", { spec, status });
  const asks: string[] = [];
  const authorizer = (allowed: string) => ({
    authorize: ({ verb, resource, name }: { verb: string; resource: string; name: string }) => {
      asks.push(`${verb} ${resource} ${name}`);
      return { decision: name === allowed ? ("allow" as const) : ("no opinion" as const), reason: "" };
    },
  });
  beforeEach(() => void asks.splice(0));

  it("say who asks, whatever they say themselves", async () => {
    const made = await changed(
      certificateRequestUser,
      "CREATE certificatesigningrequests",
      csr({ username: "root", groups: ["system:masters"], uid: "0" }),
    );
    expect(made.spec).toEqual({ username: "jane", uid: "u1", groups: ["dev"], extra: { scopes: ["a"] } });
  });

  it.each(["example.com/s", "example.com/*"])("are approved by who may for %s", async (allowed) => {
    const asked = request(
      "UPDATE certificatesigningrequests/approval",
      csr({ signerName: "example.com/s" }),
      csr({ signerName: "example.com/s" }),
    );
    expect(await run(certificateApproval(authorizer(allowed)), asked)).toBe("");
    expect(asks[0]).toBe("approve signers example.com/s");
  });

  it("are approved by nobody else", async () => {
    const asked = request(
      "UPDATE certificatesigningrequests/approval",
      csr({ signerName: "a/b" }),
      csr({ signerName: "a/b" }),
    );
    expect(await run(certificateApproval(authorizer("")), asked)).toBe(
      'certificatesigningrequests.certificates.k8s.io "c" is forbidden: user not permitted to approve requests with signerName "a/b"',
    );
  });

  it("are signed by who may, and changed otherwise by anybody", async () => {
    const spec = { signerName: "a/b" };
    const update = (now: object) => request("UPDATE certificatesigningrequests/status", csr(spec, now), csr(spec));
    const plugin = certificateSigning(authorizer(""));
    expect(await run(plugin, update({ certificate: "x" }))).toContain(
      'user not permitted to sign requests with signerName "a/b"',
    );
    expect(await run(plugin, update({ conditions: [{ type: "Failed" }] }))).toContain("not permitted to sign");
    expect(await run(plugin, update({ conditions: [{ type: "Other" }] }))).toBe("");
  });

  it("make nobody all-powerful", async () => {
    const { Pkcs10CertificateRequestGenerator } = await loadX509();
    const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
    const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
    const encoded = async (organization: string): Promise<string> => {
      const made = await Pkcs10CertificateRequestGenerator.create({
        name: [{ CN: ["x"] }, { O: [organization] }],
        keys,
        signingAlgorithm: algorithm,
      });
      return Buffer.from(made.toString("pem")).toString("base64");
    };
    const ask = async (organization: string) =>
      run(
        certificateSubjectRestriction,
        request(
          "CREATE certificatesigningrequests",
          csr({ signerName: "kubernetes.io/kube-apiserver-client", request: await encoded(organization) }),
        ),
      );
    expect(await ask("dev")).toBe("");
    expect(await ask("system:masters")).toContain(
      "use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed",
    );
    expect(
      await run(
        certificateSubjectRestriction,
        request(
          "CREATE certificatesigningrequests",
          csr({ signerName: "kubernetes.io/kube-apiserver-client", request: "AAAA" }),
        ),
      ),
    ).toContain("unable to parse certificate request");
  });
});
