#!/bin/busybox sh
# The first process of a kernel under test: finds the host's files, lays memory over them, and runs the command there.
B=/bin/busybox
$B mkdir -p /proc /sys /dev /host /memory /root
$B mount -t proc proc /proc
$B mount -t sysfs sysfs /sys
$B mount -t devtmpfs dev /dev
stop() {
	echo "$1"
	echo o >/proc/sysrq-trigger
	$B sleep 60
}
while read -r module; do
	$B insmod "/modules/$module" || echo "The module $module could not be loaded."
done </modules/order
$B mount -t virtiofs -o ro host /host || stop "The host's files are not there."
$B mount -t tmpfs -o size=90% tmpfs /memory
$B mkdir -p /memory/upper /memory/work
$B mount -t overlay -o lowerdir=/host,upperdir=/memory/upper,workdir=/memory/work overlay /root || stop "No overlay can be mounted."
for name in proc sys dev; do $B mount --move "/$name" "/root/$name"; done
R=$($B uname -r)
$B mkdir -p /root/dev/pts /root/dev/shm "/root/lib/modules/$R"
$B mount -t devpts devpts /root/dev/pts
$B mount -t tmpfs shm /root/dev/shm
$B mount -t tmpfs run /root/run
$B mount -t cgroup2 cgroup /root/sys/fs/cgroup
$B mount --bind "/root$($B cat /modules-of-host)" "/root/lib/modules/$R"
# The kernel looks for this one by itself, and in the root that it began with.
$B mkdir -p /sbin
printf '#!/bin/busybox sh\nexec /bin/busybox chroot /root /sbin/modprobe "$@"\n' >/sbin/modprobe
$B chmod 755 /sbin/modprobe
$B ip link set lo up
export HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 TERM=dumb
echo "Linux $R is up after $($B cut -d. -f1 /root/proc/uptime) s."
$B chroot /root /bin/sh -c "ulimit -n 65536; cd /tmp; $($B cat /command)"
echo "BPFLAB-EXIT $?"
echo o >/root/proc/sysrq-trigger
$B sleep 60
