#!/bin/sh
# Installs the web site and the service that serves it. Runs as root on the build VM, once, while the image is baked.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
site=/var/www/web-server
unit=web-server.service
units=/etc/systemd/system
account=web-server

say() {
  echo "web-server: $*"
}

fail() {
  say "$*" >&2
  exit 1
}

[ "$(id -u)" -eq 0 ] || fail "must run as root: sudo sh $0"
[ -f "$here/site/index.html" ] || fail "there is no site/index.html in $here"
command -v python3 >/dev/null || fail "needs python3, which serves the site"

say "copying the site to $site"
mkdir -p "$site"
cp -R "$here/site/." "$site/"
# Pages are public and belong to root: whoever breaks into the server cannot change them.
chown -R root:root "$site"
find "$site" -type d -exec chmod 755 {} +
find "$site" -type f -exec chmod 644 {} +

if getent passwd "$account" >/dev/null; then
  say "account $account is there already"
else
  say "adding account $account, without a home and without a shell"
  useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$account"
fi

say "installing $unit"
mkdir -p "$units/multi-user.target.wants"
cp "$here/$unit" "$units/$unit"
chmod 644 "$units/$unit"

# This is all that "systemctl enable" does, and it works where systemd does not run, as in a container.
say "enabling $unit for the next boot"
ln -sf "$units/$unit" "$units/multi-user.target.wants/$unit"
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  systemctl restart "$unit"
  systemctl is-active "$unit" >/dev/null || fail "$unit did not start; see: journalctl -u $unit"
  say "$unit is running on port 8080"
else
  say "systemd does not run here; $unit starts with the first boot"
fi

pages=$(find "$site" -name '*.html' | wc -l)
[ "$pages" -gt 0 ] || fail "no page arrived in $site"
say "done, $((pages)) pages installed"
