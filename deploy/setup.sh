#!/usr/bin/env bash
# Makes a fresh clone runnable: checks Node, installs missing Debian packages, npm packages and the build,
# each only when needed. Called by `npm start` and, with --test, by `npm test`.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

check_node() {
  command -v node >/dev/null || fail 'Node.js 20.19+, 22 or 24 is needed; install it and try again.'
  node -e '
    const [major, minor] = process.versions.node.split(".").map(Number);
    process.exit((major === 20 && minor >= 19) || major === 22 || major === 24 ? 0 : 1);
  ' || fail "Node.js 20.19+, 22 or 24 is needed, found $(node --version)."
}

missing_packages() {
  command -v redis-server >/dev/null || echo redis-server
  { command -v mariadbd && command -v mariadb-install-db; } >/dev/null || echo mariadb-server
  command -v ffmpeg >/dev/null || echo ffmpeg
  if [ "${1:-}" = --test ]; then
    command -v chromium >/dev/null || echo chromium
    { command -v nginx && ls /usr/lib/nginx/modules/ngx_rtmp_module.so; } >/dev/null 2>&1 ||
      echo nginx libnginx-mod-rtmp
  fi
}

# A policy file that answers 101 keeps package scripts from starting services
# (Debian policy, invoke-rc.d); units that the packages enabled are disabled again.
install_packages() {
  local run=''
  if [ "$(id -u)" -ne 0 ]; then
    if command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then run='sudo'; else
      fail "packages are missing and this user may not install them. Run:
  sudo apt-get update && sudo apt-get install -y --no-install-recommends $*"
    fi
  fi
  command -v apt-get >/dev/null || fail "install these with your package manager: $*"
  say "installing $*"
  local policy=/usr/sbin/policy-rc.d made=''
  if [ ! -e "$policy" ]; then
    made=yes
    printf '#!/bin/sh\nexit 101\n' | $run tee "$policy" >/dev/null
    $run chmod 755 "$policy"
  fi
  local status=0
  { $run apt-get update -qq &&
    $run env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"; } \
    >/tmp/showbill-apt.$$.log 2>&1 || status=$?
  if [ -n "$made" ]; then $run rm -f "$policy"; fi
  if [ "$status" -ne 0 ]; then
    tail -20 /tmp/showbill-apt.$$.log >&2
    fail "apt-get failed; see /tmp/showbill-apt.$$.log. Command: apt-get install $*"
  fi
  rm -f /tmp/showbill-apt.$$.log
  if [ -d /run/systemd/system ]; then
    for unit in "$@"; do
      $run systemctl disable -q "${unit/mariadb-server/mariadb}" 2>/dev/null || true
    done
  fi
}

npm_packages() {
  local stamp=node_modules/.showbill-lock want
  want="$(cksum <package-lock.json) $(node -p process.versions.modules)"
  if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$want" ]; then return; fi
  say 'installing npm packages'
  npm ci --no-audit --no-fund --loglevel=error
  printf '%s\n' "$want" >"$stamp"
}

# The first run of tap after an install still loads the plugins that .taprc leaves out, and its
# TypeScript plugin costs five seconds of CPU in every test file.
test_plugins() {
  local stamp=node_modules/.showbill-tap
  if [ -f "$stamp" ] && [ ! .taprc -nt "$stamp" ]; then return; fi
  say 'building the test runner'
  npx tap build >/dev/null
  touch "$stamp"
}

build() {
  local stamp=dist/.built
  if [ -f "$stamp" ] && [ -z "$(find cluster gateway billing rtmp web deploy package-lock.json \
    tsconfig.json tsconfig.build.json -newer "$stamp" -type f -print -quit)" ]; then return; fi
  say 'building'
  npm run --silent build
  touch "$stamp"
}

check_node
mapfile -t packages < <(missing_packages "${1:-}")
if [ "${#packages[@]}" -gt 0 ]; then install_packages ${packages[@]}; fi
npm_packages
# Each of the two keeps one core busy.
if [ "${1:-}" = --test ]; then test_plugins & else true & fi
build
wait $!
