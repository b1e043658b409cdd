// A process that joins the member list and can be killed for real. Run by members.test.ts:
// node --import=tsx member-process.ts <redis url> <id>; prints "joined".
import { connectRedis } from '../redis.js';
import { MemberRegistry } from '../members.js';
import { silentLog } from '../testing/index.js';

const [url = '', id = ''] = process.argv.slice(2);
const redis = await connectRedis(url, { role: 'command', name: id, log: silentLog });
const registry = new MemberRegistry(redis, {
  role: 'worker',
  id,
  log: silentLog,
  beatMs: 2_000,
  leaseTtlMs: 8_000,
});
await registry.join();
process.stdout.write('joined\n');
