/** One of each kind that an application is made of. */

const settings = { name: "settings", mountPath: "/settings" };
const secrets = { name: "secrets", mountPath: "/secrets" };
const volumes = [
  { name: "settings", configMap: { name: "settings" } },
  { name: "secrets", secret: { secretName: "secrets" } },
];
const greeting = { configMapKeyRef: { name: "settings", key: "greeting" } };
const claim = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "10Mi" } } };

/** @param image with busybox, and `/serve` as its entrypoint */
export function manifest(image: string): readonly object[] {
  const workload = (kind: string, name: string, spec: object, more: object = {}): object => ({
    apiVersion: "apps/v1",
    kind,
    metadata: { name },
    spec: {
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { terminationGracePeriodSeconds: 5, ...spec },
      },
      ...more,
    },
  });
  const container = (more: object = {}): object => ({ name: "main", image, ...more });
  const script = (words: string): object => ({ command: ["sh", "-c", words] });
  const job = {
    template: {
      spec: {
        restartPolicy: "Never",
        containers: [
          container({
            ...script("echo $(cat /settings/greeting) $(cat /secrets/word)"),
            volumeMounts: [settings, secrets],
          }),
        ],
        volumes,
      },
    },
  };
  const service = (name: string, spec: object): object => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name },
    spec: { selector: { app: name }, ports: [{ name: "http", port: 80, targetPort: 8080 }], ...spec },
  });
  const idle = script('trap "exit 0" TERM; sleep 3600 & wait');
  return [
    { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "settings" }, data: { greeting: "one" } },
    { apiVersion: "v1", kind: "Secret", metadata: { name: "secrets" }, data: { word: "dHdv" } },
    { apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: { name: "shared" }, spec: claim },
    workload("Deployment", "front", {
      containers: [
        container({
          env: [{ name: "VERSION", valueFrom: greeting }],
          volumeMounts: [{ name: "shared", mountPath: "/shared" }],
        }),
      ],
      volumes: [{ name: "shared", persistentVolumeClaim: { claimName: "shared" } }],
    }),
    service("front", {}),
    workload(
      "StatefulSet",
      "store",
      {
        containers: [
          container({
            ...idle,
            env: [{ name: "GREETING", valueFrom: greeting }],
            volumeMounts: [settings, secrets, { name: "data", mountPath: "/data" }],
          }),
        ],
        volumes,
      },
      { serviceName: "store", volumeClaimTemplates: [{ metadata: { name: "data" }, spec: claim }] },
    ),
    service("store", { clusterIP: "None" }),
    workload("DaemonSet", "agent", { containers: [container(idle)] }),
    { apiVersion: "batch/v1", kind: "Job", metadata: { name: "once" }, spec: job },
    {
      apiVersion: "batch/v1",
      kind: "CronJob",
      metadata: { name: "often" },
      spec: { schedule: "@every 5s", jobTemplate: { spec: job } },
    },
    {
      apiVersion: "networking.k8s.io/v1",
      kind: "Ingress",
      metadata: { name: "front" },
      spec: {
        rules: [
          {
            host: "front.example",
            http: {
              paths: [
                { path: "/", pathType: "Prefix", backend: { service: { name: "front", port: { name: "http" } } } },
              ],
            },
          },
        ],
      },
    },
  ];
}
