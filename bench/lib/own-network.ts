// A network of its own for a scenario in which many sockets are not read: the kernel holds up to
// 4 MB for each of them, so that a thousand reach its limit for all TCP memory (tcp_mem), above
// which it drops packets of every connection of the machine, and what is measured is the kernel.
// Here it holds 64 KiB a socket.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const SEND_SETTING = '/proc/sys/net/ipv4/tcp_wmem';
/** What a socket may hold at most in either direction, bytes. */
const BUFFER_MAX = 65_536;
const SCRIPT = `ip link set lo up && cd /proc/sys/net/ipv4 &&
  echo "4096 16384 ${BUFFER_MAX}" | tee tcp_wmem tcp_rmem >/dev/null && cd "$OLDPWD" && exec "$@"`;

/** Whether the kernel may hold little for each socket here. */
export function hasSmallBuffers(): boolean {
  const [max] = readFileSync(SEND_SETTING, 'utf8').trim().split(/\s+/).slice(-1);
  return Number(max) <= BUFFER_MAX;
}

/**
 * Runs this same command in a network of its own. @returns its exit status; undefined when the
 * machine does not allow it
 */
export function rerunInOwnNetwork(): number | undefined {
  if (spawnSync('unshare', ['--net', 'true'], { stdio: 'ignore' }).status !== 0) return undefined;
  const command = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const { status } = spawnSync('unshare', ['--net', 'bash', '-c', SCRIPT, '--', ...command], {
    stdio: 'inherit',
  });
  return status ?? 1;
}
