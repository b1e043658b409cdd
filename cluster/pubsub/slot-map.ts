// Which node of a Redis Cluster owns which slot, as one of its nodes tells. A single server owns
// them all.
import type { RedisNode, RedisTarget } from '../redis-url.js';
import { SLOT_COUNT } from '../redis-slot.js';
import { clusterError } from '../errors.js';
import { openRespConnection, type RespConnection } from './resp-connection.js';
import { RespError, type RespValue } from './resp-parser.js';

/** Owners by slot; `undefined` where nobody owns the slot. */
export class SlotMap {
  private readonly owners = new Array<RedisNode | undefined>(SLOT_COUNT);

  ownerOf(slot: number): RedisNode | undefined {
    return this.owners[slot];
  }

  setOwner(slot: number, owner: RedisNode): void {
    this.owners[slot] = owner;
  }

  /** Takes over what a node says. A slot that it does not mention keeps its last known owner. */
  update(ranges: readonly SlotRange[]): void {
    for (const { first, last, owner } of ranges) this.owners.fill(owner, first, last + 1);
  }

  /** Every known owner once. */
  nodes(): RedisNode[] {
    return [...new Set(this.owners)].filter((one) => one !== undefined);
  }
}

export interface SlotRange {
  readonly first: number;
  readonly last: number;
  readonly owner: RedisNode;
}

/**
 * Asks one node.
 * @throws AppError REDIS_AWAY when it does not answer in time or does not know a working Cluster.
 */
export async function fetchSlotRanges(
  node: RedisNode,
  target: RedisTarget,
  options: { readonly name: string; readonly timeoutMs: number },
): Promise<SlotRange[]> {
  const away = (reason: string): Error => clusterError('REDIS_AWAY', { ...node, reason });
  let connection: RespConnection | undefined;
  let timer: NodeJS.Timeout | undefined;
  try {
    const reply = await new Promise<RespValue>((resolve, reject) => {
      openRespConnection({
        node,
        target,
        name: options.name,
        heartbeatMs: options.timeoutMs,
        onValue: resolve,
        onClose: (reason) => reject(away(reason.message)),
      }).then((opened) => {
        connection = opened;
        timer = setTimeout(() => reject(away('no answer to CLUSTER SLOTS')), options.timeoutMs);
        opened.send('CLUSTER', 'SLOTS');
      }, reject);
    });
    if (reply instanceof RespError) throw away(reply.message);
    return parseSlots(reply, node);
  } finally {
    clearTimeout(timer);
    connection?.destroy(new Error('done'));
  }
}

/** [[first, last, [host, port, id, …], …replicas], …]; an empty host is the host that was asked. */
function parseSlots(reply: RespValue, asked: RedisNode): SlotRange[] {
  if (!Array.isArray(reply)) return [];
  return reply.flatMap((row) => {
    if (!Array.isArray(row) || !Array.isArray(row[2])) return [];
    const [first, last, [host, port]] = row;
    if (typeof first !== 'number' || typeof last !== 'number' || typeof port !== 'number')
      return [];
    const name = Buffer.isBuffer(host) ? host.toString('utf8') : '';
    return [{ first, last, owner: { host: name === '' ? asked.host : name, port } }];
  });
}
