// EVALSHA as the model understands it: which script is meant, and its keys and arguments in the
// order of the script's header.
import { claimRoom } from '../../coordinator-scripts.js';
import { moderateChannel } from '../../moderation-script.js';
import { reportPresence } from '../../presence-scripts.js';
import { unpackValues } from '../../protocol/index.js';
import { claimTickets, compareTops, openChannels, sequenceBatch } from '../../scripts.js';
import { channelOfKey, type RedisModel } from './redis-model.js';

type Argument = string | number | Buffer;

interface ScriptCall {
  readonly model: RedisModel;
  readonly keys: readonly string[];
  readonly argv: readonly Argument[];
  readonly nowMs: number;
}

const text = (value: Argument | undefined): string => String(value ?? '');
const number = (value: Argument | undefined): number => Number(value ?? 0);
const buffer = (value: Argument | undefined): Buffer =>
  Buffer.isBuffer(value) ? value : Buffer.from(text(value));

function sequence({ model, keys, argv, nowMs }: ScriptCall): unknown {
  const messages = [];
  for (let at = 8; at < argv.length; at += 5) {
    messages.push({
      sender: text(argv[at]),
      mid: text(argv[at + 1]),
      flags: number(argv[at + 2]),
      textHash: text(argv[at + 3]),
      tail: buffer(argv[at + 4]),
    });
  }
  const call = {
    channel: channelOfKey(keys[0] ?? ''),
    newEpoch: text(argv[1]),
    knownEpoch: text(argv[2]),
    knownTop: number(argv[3]),
    historyMax: number(argv[4]),
    midTtlMs: number(argv[6]),
    settingsVersion: text(argv[7]),
    messages,
  };
  return model.sequence(call, number(argv[0]) === 0 ? nowMs : number(argv[0]));
}

function open({ model, keys, argv }: ScriptCall): unknown {
  const states = [];
  const step = argv.length === 7 ? 0 : 6;
  for (let at = 0; 3 * at < keys.length; at += 1) {
    const [newEpoch, knownEpoch, knownTop, after, max, knownMs] = argv.slice(1 + step * at);
    const state = model.open({
      channel: channelOfKey(keys[3 * at] ?? ''),
      ...{ newEpoch: text(newEpoch), knownEpoch: text(knownEpoch), knownTop: number(knownTop) },
      ...{ after: number(after), max: number(max), knownMs: number(knownMs) },
    });
    states.push(state);
  }
  return states;
}

function claimAll({ model, keys }: ScriptCall): unknown {
  return keys.map((key) => (model.mark(key) ? 1 : 0));
}

function compare({ model, keys, argv, nowMs }: ScriptCall): unknown {
  return model.compare(
    keys.map((key, at) => ({
      channel: channelOfKey(key),
      epoch: text(argv[2 * at]),
      top: number(argv[2 * at + 1]),
    })),
    nowMs,
  );
}

function moderate({ model, keys, argv, nowMs }: ScriptCall): unknown {
  const user = text(argv[7]).replace(/^b:/, '');
  const [field, event, hidden] = [text(argv[5]), buffer(argv[9]), buffer(argv[10])];
  const [channel, historyMax] = [channelOfKey(keys[0] ?? ''), number(argv[2])];
  return model.ban({ channel, user, field, event, hidden, historyMax }, nowMs);
}

function claim({ model, keys, argv, nowMs }: ScriptCall): unknown {
  const [, worker, token, ttlMs] = argv;
  const reply = model.claim(
    {
      ...{ channel: channelOfKey(keys[0] ?? ''), worker: text(worker) },
      ...{ token: number(token), ttlMs: number(ttlMs) },
    },
    nowMs,
  );
  return [reply.token, reply.owner, reply.leftMs];
}

function report({ model, keys, argv, nowMs }: ScriptCall): unknown {
  const [changes] = unpackValues(buffer(argv[6])) as [[what: string, user: string][]];
  const who = { worker: text(argv[1]), reports: number(argv[2]), leaseMs: number(argv[3]), nowMs };
  return model.report(channelOfKey(keys[0] ?? ''), who, changes);
}

/** Scripts that their module keeps to itself, told apart by their keys; see the headers in lua/. */
function byShape(call: ScriptCall): unknown {
  const { model, keys, argv, nowMs } = call;
  const [first = ''] = keys;
  if (first === 'rt:coordinators') {
    return model.shareLoad(text(argv[1]), number(argv[2]), number(argv[3]), nowMs);
  }
  if (keys.length === 4) return 0; // publish-tips: nobody tips here
  if (keys.length === 7) {
    const [, worker, token, ttlMs] = argv;
    const channel = channelOfKey(first);
    const outcome = model.announce(channel, text(worker), number(token), number(ttlMs), nowMs);
    return [outcome];
  }
  throw new Error(`the model has no script with ${keys.length} keys`);
}

const byName: ReadonlyMap<string, (call: ScriptCall) => unknown> = new Map([
  [sequenceBatch.sha, sequence],
  [openChannels.sha, open],
  [claimTickets.sha, claimAll],
  [compareTops.sha, compare],
  [moderateChannel.sha, moderate],
  [claimRoom.sha, claim],
  [reportPresence.sha, report],
]);

/** @param args digest, number of keys, keys, arguments */
export function runScript(model: RedisModel, args: readonly Argument[], nowMs: number): unknown {
  const [digest, count, ...rest] = args;
  const keys = rest.slice(0, Number(count)).map(text);
  const call = { model, keys, argv: rest.slice(Number(count)), nowMs };
  return (byName.get(text(digest)) ?? byShape)(call);
}
