/** Small objects of each kind, as they should be but for what a test changes. */
import { object, type Fields } from "./life.ts";

export const base64 = (text: string): string => Buffer.from(text).toString("base64");
export const service = (spec: Fields = {}) => object("v1", "Service", { spec: { ports: [{ port: 80 }], ...spec } });
export const claim = (spec: Fields = {}) =>
  object("v1", "PersistentVolumeClaim", {
    spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } }, ...spec },
  });
export const volume = (spec: Fields = {}) =>
  object("v1", "PersistentVolume", {
    spec: { accessModes: ["ReadWriteOnce"], capacity: { storage: "1Gi" }, hostPath: { path: "/x" }, ...spec },
  });
export const slice = (fields: Fields = {}) =>
  object("discovery.k8s.io/v1", "EndpointSlice", {
    addressType: "IPv4",
    endpoints: [{ addresses: ["10.0.0.1"] }],
    ports: [{ port: 80 }],
    ...fields,
  });
export const backend = { service: { name: "s", port: { number: 80 } } };
export const ingress = (spec: Fields) => object("networking.k8s.io/v1", "Ingress", { spec });
export const policy = (spec: Fields) => object("networking.k8s.io/v1", "NetworkPolicy", { spec });
export const hpa = (spec: Fields = {}) =>
  object("autoscaling/v2", "HorizontalPodAutoscaler", {
    spec: { maxReplicas: 3, scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "d" }, ...spec },
  });
export const pdb = (spec: Fields) => object("policy/v1", "PodDisruptionBudget", { spec });
export const quota = (spec: Fields) => object("v1", "ResourceQuota", { spec });
export const limits = (item: Fields) =>
  object("v1", "LimitRange", { spec: { limits: [{ type: "Container", ...item }] } });
export const role = (rule: Fields) => object("rbac.authorization.k8s.io/v1", "Role", { rules: [rule] });
export const binding = (kind: string, fields: Fields) => object("rbac.authorization.k8s.io/v1", kind, fields);
/** Of CN=x, by an ECDSA key that nobody has any more. */
export const request = base64(`-----BEGIN CERTIFICATE REQUEST-----
MIHGMG4CAQAwDDEKMAgGA1UEAwwBeDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IA
BI1zZVzNYvOEXjQgTuEeegHAlaVTEMlZlTQPuetID4nuXJfeM76A0RW1ls+SaZxe
uN2CdrzIUgyUF/M7M4gVMcCgADAKBggqhkjOPQQDAgNIADBFAiEAwFIJKicpUrTQ
UVsEt5waaBLRWTnbuGEl6zF9inJ4RnECIGfP1410wPSkhuIwSGyB/QFI3tueYmKq
pQWeE4ETct3l
-----END CERTIFICATE REQUEST-----`);
export const csr = (spec: Fields = {}) =>
  object("certificates.k8s.io/v1", "CertificateSigningRequest", {
    spec: { request, signerName: "example.com/signer", usages: ["client auth"], ...spec },
  });
export const storageClass = (fields: Fields = {}) =>
  object("storage.k8s.io/v1", "StorageClass", { provisioner: "example.com/disk", ...fields });
export const priority = (name: string, value: number) =>
  object("scheduling.k8s.io/v1", "PriorityClass", { value }, { name });
