#!/usr/bin/env bash
# The long checks, one after another: `npm run nightly`, or those whose name contains a word:
# `npm run nightly -- gateway`. One line each, of a failed one also its last lines; ends with 1 when
# one failed. A further check is one more `check NAME COMMAND…` at the end.
set -uo pipefail
cd "$(dirname "$0")/.."

word=${1:-}
failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

check() {
  local name=$1 began=$SECONDS
  shift
  [[ "$name" == *"$word"* ]] || return 0
  if "$@" >"$log" 2>&1; then
    echo "passed $name ($((SECONDS - began)) s)"
  else
    echo "failed $name ($((SECONDS - began)) s): $*"
    tail -40 "$log"
    failed=1
  fi
}

# tap's own limit of 30 s is for tests of a moment.
export TAP_TIMEOUT=86400
run() { node --import=tsx "$@"; }
# In a network of its own, where the kernel holds little for a socket that nobody reads.
run_small_buffers() {
  unshare --net bash -c 'ip link set lo up && cd /proc/sys/net/ipv4 &&
    echo "4096 16384 65536" | tee tcp_wmem tcp_rmem && cd - && exec node --import=tsx "$@"' -- "$@"
}

check 'gateway: simulator, 10^4 seeds' run gateway/testing/simulate.ts 10000
check 'gateway: simulator, 100 schedules of 10^4 deeds' run gateway/testing/simulate.ts 100 1 100
check 'gateway: 10^6 fuzzed frames' run gateway/testing/fuzz-frames.ts 1000000
check 'billing: histories of shows, 10^6 commands' run billing/testing/histories.ts shows 3400 10001
check 'billing: histories of credits, 10^6 commands' run billing/testing/histories.ts credits 3400 10001
check 'billing: 2,000 scenes of each kind, played twice' \
  env SHOWBILL_FUZZ_ROUNDS=2000 node --import=tsx billing/test/metamorphic.test.ts
check 'billing: 2,000 runs of interleaved calls' \
  env SHOWBILL_FUZZ_ROUNDS=2000 node --import=tsx billing/test/interleavings.test.ts
check 'billing: simulator, 100 runs' run billing/testing/simulate.ts 100 101
export SHOWBILL_FUZZ_ROUNDS=1000000
check 'gateway: 1,000 join a busy room, 50,000 messages of 8 publishers' run gateway/test/crowded-room.test.ts
check 'gateway: 30 minutes of coming, going and broken links, nothing lost, nothing left' \
  node --import=tsx bench/run.ts soak --rounds 30 --strict
check 'gateway: 10^5 schedules of ten senders and bans' run gateway/test/moderation-races.test.ts
check 'gateway: 1,000 readers that stall' run_small_buffers gateway/test/stalled-crowd.test.ts
check 'billing: a log torn at every byte of two scripts' run billing/test/faults-torn-log.test.ts
check 'rtmp: 10^6 hostile inputs' run rtmp/test/hostile.test.ts
check 'rtmp: 100 cycles of ffmpeg' run rtmp/test/ffmpeg-process.test.ts
exit "$failed"
