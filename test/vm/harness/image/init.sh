#!/bin/sh
# The first process of the guest. It loads modules, says it is ready, and waits: the snapshot is taken here, while
# nothing of the host is mounted yet, so that one snapshot serves every later state of the host's files.
# Then it puts the host's file system under a writable one and gives it to the run's own script.
# The words on the control console (/dev/hvc0) are read by ../console.ts.
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev

load() {
  while read -r module; do insmod "/modules/$module" || echo "fairlead-vm: cannot load $module" >/dev/kmsg; done
}
load </modules/order.boot
# Counting instructions wants the plain kernel: what it needs beyond this loads on demand.
grep -q fairlead.modules=boot /proc/cmdline || load </modules/order.all

exec </dev/hvc0 >/dev/hvc0 2>&1
stty raw -echo
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t bpf bpf /sys/fs/bpf
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t debugfs debugfs /sys/kernel/debug
mount -t tracefs tracefs /sys/kernel/tracing
mount -t tmpfs -o size=75%,mode=755 tmpfs /writable
mkdir /writable/upper /writable/work
ip link set lo up

echo "fairlead-vm ready"
read -r _

transport=version=9p2000.L,trans=virtio,msize=524288
mount -t 9p -o "ro,cache=loose,$transport" root /host
mount -t overlay -o lowerdir=/host,upperdir=/writable/upper,workdir=/writable/work overlay /new
mkdir -p /new/vmout /new/run
mount -t 9p -o "cache=none,$transport" out /new/vmout
mount -t tmpfs tmpfs /new/run
for dir in proc sys dev; do mount --move "/$dir" "/new/$dir"; done
exec switch_root /new /bin/bash /vmout/.fairlead/start
