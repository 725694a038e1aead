# Boots a build VM: mounts its view of the machine, moves into it for good, gives up the rights that reach beyond it,
# and becomes the agent. Runs as the first process of namespaces of its own, in the mount namespace of the disk.
# $1 folder of the disk, $2 name of the layer for the changes, $3 names of the layers below, $4 the agent
set -eu
umask 022
cd "$1"
mkdir "$2" "$2.work" "$2.view" "$2.tmp" "$2.run" "$2.shm"
chmod 1777 "$2.tmp" "$2.shm"
# Without redirects and metacopies each changed file lies whole in the layer; no device works wherever it is made.
mount -t overlay overlay "$2.view" \
  -o "lowerdir=$3,upperdir=$2,workdir=$2.work,nodev,redirect_dir=off,metacopy=off,index=off"
cd "$2.view"

mount -t tmpfs -o size=64k,mode=755,nosuid,noexec dev dev
for node in null:3 zero:5 full:7 random:8 urandom:9; do
  mknod -m 666 "dev/${node%:*}" c 1 "${node#*:}"
done
mknod -m 666 dev/tty c 5 0
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5,nosuid,noexec devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s /proc/self/fd/0 dev/stdin
ln -s /proc/self/fd/1 dev/stdout
ln -s /proc/self/fd/2 dev/stderr
mount --bind "../$2.shm" dev/shm
mount -o remount,bind,nosuid,nodev dev/shm
# Not part of the image, but of the disk and its size.
mount --bind "../$2.tmp" tmp
mount -o remount,bind,nosuid,nodev tmp
mount --bind "../$2.run" run
mount -o remount,bind,nosuid,nodev run
mkdir -p run/lock
chmod 1777 run/lock

mount -t proc -o nosuid,nodev,noexec proc proc
for path in sys sysrq-trigger bus fs irq; do
  [ -e "proc/$path" ] || continue
  mount --bind "proc/$path" "proc/$path"
  mount -o remount,bind,ro,nosuid,nodev,noexec "proc/$path"
done
for path in acpi asound driver scsi; do
  [ ! -d "proc/$path" ] || mount -t tmpfs -o size=0,ro none "proc/$path"
done
for path in kcore keys kmsg latency_stats mtrr sched_debug timer_list timer_stats; do
  [ ! -e "proc/$path" ] || mount --bind dev/null "proc/$path"
done
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs sys
for path in firmware devices/virtual/powercap; do
  [ ! -d "sys/$path" ] || mount -t tmpfs -o size=0,ro none "sys/$path"
done

hostname azure-arm 2>/dev/null || echo azure-arm >proc/sys/kernel/hostname 2>/dev/null || true
ip link set lo up
ip address add 169.254.169.254/32 dev lo

pivot_root . mnt
cd /
umount -l /mnt
# The agent starts from the VM's own files: through this process's /proc entry no file of the machine can be reached.
exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  setpriv --inh-caps=-all \
  --bounding-set=-all,+chown,+dac_override,+fowner,+fsetid,+kill,+setgid,+setuid,+setpcap,+setfcap,+net_bind_service,+sys_chroot \
  sh -c "$4" agent
