#!/bin/sh
# Installs the Debian packages that tests drive, where they are missing and this user may.
# Each line: a command or file that must exist, and the package that brings it.
set -u
missing=""
while read -r command package; do
    command -v "$command" >/dev/null 2>&1 || [ -e "$command" ] || missing="$missing $package"
done <<LIST
promtool prometheus
systemd-analyze systemd
systemd-nspawn systemd-container
mmdebstrap mmdebstrap
amtool prometheus-alertmanager
chromium chromium
zsh zsh
fish fish
man man-db
openssl openssl
rpm rpm
/usr/lib/python3/dist-packages/yaml/__init__.py python3-yaml
ipmi_sim openipmi
/usr/include/OpenIPMI/lanserv.h libopenipmi-dev
ipmitool ipmitool
ipmi-sensors freeipmi-tools
prometheus-ipmi-exporter prometheus-ipmi-exporter
LIST
[ -z "$missing" ] && exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "tests that need these packages will be skipped:$missing (apt-get install$missing)"
    exit 0
fi
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update && apt-get -qq install -y --no-install-recommends $missing >/dev/null
