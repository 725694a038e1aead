# Makes the disk of a build VM: a tmpfs that only this process's mount namespace sees, so that it is gone with the
# process, however that ends. Runs in a mount namespace of its own, as root, and stays until its input closes.
# $1 empty folder to mount on, $2 size, $3 uid of packer, $4 PEM of the certificate authority, $5 the sudo script,
# then the folders of the machine to hide besides the usual ones
set -eu
umask 022
mount -t tmpfs -o "size=$2,nr_inodes=500k,mode=755,nodev" build-vm "$1"
cd "$1"

# Two layers lie over the machine's root file system: `mask` takes away (whiteouts), `base`, above it, adds. What the
# scripts change goes to a third layer, above both, and so holds nothing of what is added here.
mkdir base mask

# A folder in a layer stands for its attributes too, so it gets those of the machine's.
mirror() {
  case $2 in / | .) return ;; esac
  [ ! -d "$1$2" ] || return 0
  mirror "$1" "$(dirname "$2")"
  mkdir "$1$2"
  [ ! -d "$2" ] || { chown --reference="$2" "$1$2" && chmod --reference="$2" "$1$2"; }
}

hide() {
  [ -e "$1" ] || return 0
  mirror mask "$(dirname "$1")"
  [ -e "mask$1" ] || mknod "mask$1" c 0 0
}

empty() {
  hide "$1"
  mirror base "$1"
}

# A file of the machine, changed by the command on the way.
replace() {
  file=$1
  shift
  [ -e "$file" ] || return 0
  mirror base "$(dirname "$file")"
  "$@" <"$file" >"base$file"
  chown --reference="$file" "base$file"
  chmod --reference="$file" "base$file"
}

with_line() { cat && printf '%s\n' "$1"; }
without_passwords() { sed 's/^\([^:]*\):[^:]*:/\1:*:/' && printf '%s\n' "$1"; }
with_authority() { cat && printf '\n%s\n' "$1"; }

# At the top only what belongs to the system; people's files have no place in a build.
for entry in /* /.[!.]*; do
  case $entry in
    /bin | /etc | /lib | /lib32 | /lib64 | /libx32 | /opt | /sbin | /srv | /usr | /var) ;;
    *) hide "$entry" ;;
  esac
done
for folder in boot dev home home/packer media mnt proc root run sys tmp; do
  mkdir "base/$folder"
done
chmod 700 base/root
chmod 1777 base/tmp
chmod 750 base/home/packer
chown "$3:$3" base/home/packer

for folder in /etc/ssl/private /var/backups /var/lib/docker /var/lib/containerd /var/lib/kubelet /var/lib/waagent \
  /var/log /var/mail /var/spool/cron/crontabs /var/tmp; do
  [ ! -d "$folder" ] || empty "$folder"
done
for file in /etc/shadow- /etc/gshadow- /etc/passwd- /etc/group- /etc/ssh/ssh_host_*_key /etc/krb5.keytab; do
  hide "$file"
done

uid=$3
authority=$4
sudo=$5
shift 5
for folder; do
  case $folder in
    /etc/* | /opt/* | /srv/* | /usr/* | /var/*) hide "$folder" ;;
  esac
done

replace /etc/passwd with_line "packer:x:$uid:$uid:packer:/home/packer:/bin/sh"
replace /etc/group with_line "packer:x:$uid:"
replace /etc/shadow without_passwords "packer:*:19000:0:99999:7:::"
replace /etc/gshadow without_passwords "packer:*::"
for bundle in /etc/ssl/certs/ca-certificates.crt /etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem \
  /etc/ssl/ca-bundle.pem; do
  replace "$bundle" with_authority "$authority"
done
mirror base /usr/local/share/ca-certificates
printf '%s\n' "$authority" >base/usr/local/share/ca-certificates/azure-emulator.crt

mirror base /etc
echo azure-arm >base/etc/hostname
printf '127.0.0.1 localhost azure-arm\n' >base/etc/hosts
# The build VM of the emulator reaches no name server.
: >base/etc/resolv.conf

# Whoever may run the copy of setpriv is root at once, so only packer may.
mirror base /usr/bin
mirror base /usr/lib
mkdir base/usr/lib/build-vm
cp /usr/bin/setpriv base/usr/lib/build-vm/as-root
chown "0:$uid" base/usr/lib/build-vm/as-root
chmod 4750 base/usr/lib/build-vm/as-root
printf '%s\n' "$sudo" >base/usr/bin/sudo
chmod 755 base/usr/bin/sudo

echo ready
exec cat >/dev/null
