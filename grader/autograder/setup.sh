#!/usr/bin/env bash
# Gradescope runs this once, as root and with a network, when it builds the image of the assignment.
# It needs no more rights than a container has by default.
set -euo pipefail
umask 022
source=${AUTOGRADER_ROOT:-/autograder}/source
# Not below /autograder, which no server may look into: servers run as nobody, who must be able to read this Python.
home=${GRADER_HOME:-/opt/network-io-grader}

install_packages() {
    [ $# -gt 0 ] || return 0
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
}

usable_python() {
    local name
    for name in python3 python3.14 python3.13 python3.12 python3.11; do
        if "$name" -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$name"
            return
        fi
    done
    return 1
}

mapfile -t wanted < "$source/apt-packages.txt"
install_packages "${wanted[@]}"
python=$(usable_python) || {
    # Ubuntu 24.04 has Python 3.12 without its venv module, Ubuntu 22.04 has 3.10 and, beside it, 3.11.
    install_packages python3 python3-venv
    python=$(usable_python) || {
        install_packages python3.11 python3.11-venv
        python=$(usable_python) || {
            echo "setup.sh: Python 3.11 or newer is needed; choose a newer base image in the autograder's settings" >&2
            exit 1
        }
    }
}

"$python" -m venv "$home"
"$home/bin/python" -m pip install --quiet --disable-pip-version-check \
    --requirement "$source/requirements.txt" --constraint "$source/constraints.txt"
packages=$("$home/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
rm -rf "$packages/grader"
cp -R "$source/package/grader" "$packages/"
"$home/bin/python" -m compileall -q "$packages/grader"
chmod -R u+rwX,go+rX,go-w "$home"
# The spec, its checks and its reference servers are nobody's business.
chmod -R go-rwx "$source"
"$home/bin/python" -P -m grader doctor || true
