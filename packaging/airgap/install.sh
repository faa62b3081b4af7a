#!/bin/sh
# Installs gpuwatch from this folder, without any network: install.sh [FOLDER [PYTHON]]
# FOLDER is made, /opt/gpuwatch if not said; PYTHON is the first of python3.13, 3.12 and 3.11 if not said.
set -eu
# The service runs it as a user of its own, whatever root keeps to itself on this host.
umask 022
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
folder=${1:-/opt/gpuwatch}
python=${2:-}

refuse() {
    echo "install.sh: $1" >&2
    exit 1
}

for one in python3.13 python3.12 python3.11; do
    # One that is found may still not start: a shim that leads nowhere.
    [ -n "$python" ] || ! "$one" -I -c pass >/dev/null 2>&1 || python=$one
done
[ -n "$python" ] || refuse "no python3.13, python3.12 or python3.11 here: install one, or name it as the second word"
minor=$("$python" -I -c 'import sys; print("%d.%d" % sys.version_info[:2])') || refuse "$python does not start"
requirements="$here/requirements-$minor.txt"
[ -f "$requirements" ] || refuse "this bundle has nothing for Python $minor ($python)"
[ ! -e "$folder" ] || refuse "$folder exists: name another folder, or remove it; nothing was changed"
(cd "$here" && sha256sum --quiet --strict --check SHA256SUMS) ||
    refuse "a file is not the one that was delivered: copy the bundle again; nothing was installed"

# From here on a failure takes away what was made, so that the same words can be said again.
take_away() {
    rm -rf -- "$folder"
    refuse "$1; $folder was taken away again"
}
trap 'take_away "interrupted"' HUP INT TERM
"$python" -I -m venv "$folder" ||
    take_away "$python cannot make a virtual environment: install its venv module (Debian: python$minor-venv)"
# No configuration of pip's on this host counts: it may name another place, or a mirror that is not reached.
PIP_CONFIG_FILE=/dev/null "$folder/bin/python" -I -m pip install --isolated --quiet --disable-pip-version-check \
    --no-index --find-links "$here/wheels" --require-hashes --no-deps --requirement "$requirements" ||
    take_away "the modules cannot be installed, see above"
"$folder/bin/gpuwatch" --version || take_away "what was installed does not start"
trap - HUP INT TERM
echo "installed in $folder; docs/install.md says how to run it as a service"
