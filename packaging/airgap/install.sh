#!/bin/sh
# Installs gpuwatch from this folder, without any network: install.sh [FOLDER [PYTHON]]
# FOLDER is made, /opt/gpuwatch if not said; PYTHON is the first of python3.13, 3.12 and 3.11 if not said.
set -eu
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

"$python" -I -m venv "$folder" ||
    refuse "$python cannot make a virtual environment: install its venv module (Debian: python$minor-venv)"
"$folder/bin/python" -I -m pip install --isolated --quiet --disable-pip-version-check --no-index \
    --find-links "$here/wheels" --require-hashes --no-deps --requirement "$requirements"
"$folder/bin/gpuwatch" --version
echo "installed in $folder; docs/install.md says how to run it as a service"
