import type { Image } from "./image.ts";
import { quote } from "./quote.ts";

/**
 * The first process of the guest once the host's files are there; image/init.sh starts it.
 *
 * The command's output goes through pipes, so that programs do not take it for a terminal, to a port each. A daemon
 * that the command left behind may hold a pipe open: the wait for the rest of the output is bounded.
 */
export function renderStartScript(image: Image, cwd: string, env: Readonly<Record<string, string>>, now: Date): string {
  const modules = `/lib/modules/${image.version}`;
  return `exec 3>/dev/hvc0 </dev/null
date -s @${now.getTime() / 1000} >/dev/null
mkdir -p ${modules} && mount --bind ${quote(image.modules)} ${modules}
ulimit -n 65536
mkfifo /run/fairlead.stdout /run/fairlead.stderr
cat /run/fairlead.stdout >/dev/vport*p1 3>&- & stdout=$!
cat /run/fairlead.stderr >/dev/vport*p2 3>&- & stderr=$!
echo "fairlead-vm started" >&3
(
  cd ${quote(cwd)} || exit 125
${Object.entries(env)
  .map(([name, value]) => `  export ${name}=${quote(value)}\n`)
  .join("")}  exec bash /vmout/.fairlead/command 3>&-
) >/run/fairlead.stdout 2>/run/fairlead.stderr
code=$?
for ((i = 0; i < 20; i++)); do
  kill -0 $stdout 2>/dev/null || kill -0 $stderr 2>/dev/null || break
  sleep 0.1
done
echo "fairlead-vm exit $code" >&3
sleep infinity
`;
}

/** The part of this process's environment that the guest gets, and what programs expect to have. */
export function guestEnvironment(env: NodeJS.ProcessEnv, image: Image): Record<string, string> {
  const passed = Object.entries(env).filter(([name]) => /^(FAIRLEAD_\w+|VITEST_\w+|CI)$/.test(name));
  return {
    PATH: `${env["PATH"] ?? ""}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin`,
    HOME: env["HOME"] ?? "/root",
    LANG: "C.UTF-8",
    ...(Object.fromEntries(passed) as Record<string, string>),
    /** Tells a test that it runs in the guest, and under which kernel. */
    FAIRLEAD_IN_VM: image.version,
  };
}
