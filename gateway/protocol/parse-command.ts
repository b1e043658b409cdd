// Turns an untrusted value into a ClientCommand or a coded error; the server's only way in.
// Never throws. Unknown fields are dropped, unknown commands are an error.
import { errorCodes, type ErrorCode } from './codes.js';
import { isCount, isFields, isPosition, isText, type Fields } from './fields.js';
import { isChannelName, limits } from './limits.js';
import type {
  ClientCommand,
  CommandName,
  ErrorTuple,
  ModerateCommand,
  ModerationAction,
  SubscribeRequest,
} from './messages.js';

export type ParsedCommand =
  | { readonly ok: true; readonly command: ClientCommand }
  | { readonly ok: false; readonly i: number; readonly error: ErrorTuple };

class Refusal {
  constructor(
    readonly code: ErrorCode,
    readonly message: string,
  ) {}
}

const wrong = (field: string): Refusal =>
  new Refusal('bad_command', `${errorCodes.bad_command.message} (${field})`);

const parsers: {
  readonly [N in CommandName]: (fields: Fields, i: number) => ClientCommand | Refusal;
} = {
  connect(fields, i) {
    if (!isText(fields['token'], limits.tokenLengthMax)) return wrong('token');
    const subs = readSubs(fields['subs']);
    if (subs instanceof Refusal) return subs;
    return { c: 'connect', i, token: fields['token'], subs };
  },
  sub(fields, i) {
    const request = readRequest(fields);
    return request instanceof Refusal ? request : { c: 'sub', i, ...request };
  },
  unsub: (fields, i) =>
    isChannelName(fields['ch']) ? { c: 'unsub', i, ch: fields['ch'] } : wrong('ch'),
  pub(fields, i) {
    const { ch, mid, kind, body } = fields;
    if (!isChannelName(ch)) return wrong('ch');
    if (!isText(mid, limits.midLengthMax)) return wrong('mid');
    if (kind !== 'm') return wrong('kind');
    if (!isFields(body)) return wrong('body');
    const { text, reply } = body;
    if (typeof text !== 'string') return wrong('body.text');
    if (reply === undefined) return { c: 'pub', i, ch, mid, kind, body: { text } };
    if (!isCount(reply) || reply < 1) return wrong('body.reply');
    return { c: 'pub', i, ch, mid, kind, body: { text, reply } };
  },
  hist(fields, i) {
    const { ch, before, limit = limits.backlogMax } = fields;
    if (!isChannelName(ch)) return wrong('ch');
    if (before !== undefined && !isCount(before)) return wrong('before');
    if (!isCount(limit) || limit < 1 || limit > limits.historyPageMax) return wrong('limit');
    return { c: 'hist', i, ch, limit, ...(before === undefined ? {} : { before }) };
  },
  refresh: (fields, i) =>
    isText(fields['token'], limits.tokenLengthMax)
      ? { c: 'refresh', i, token: fields['token'] }
      : wrong('token'),
  ping: (_fields, i) => ({ c: 'ping', i }),
  mod: readModerate,
  held: (fields, i) =>
    isChannelName(fields['ch']) ? { c: 'held', i, ch: fields['ch'] } : wrong('ch'),
  read: (fields, i) =>
    isCount(fields['upto']) ? { c: 'read', i, upto: fields['upto'] } : wrong('upto'),
  pres: (fields, i) =>
    isChannelName(fields['ch']) ? { c: 'pres', i, ch: fields['ch'] } : wrong('ch'),
};

function readRequest(fields: Fields): SubscribeRequest | Refusal {
  const { ch, ticket, pos } = fields;
  if (!isChannelName(ch)) return wrong('ch');
  if (ticket !== undefined && !isText(ticket, limits.tokenLengthMax)) return wrong('ticket');
  if (pos !== undefined && !isPosition(pos)) return wrong('pos');
  return {
    ch,
    ...(ticket === undefined ? {} : { ticket }),
    ...(pos === undefined ? {} : { pos }),
  };
}

function readSubs(value: unknown): readonly SubscribeRequest[] | Refusal {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || value.length > limits.subscriptionsMax) return wrong('subs');
  const requests: SubscribeRequest[] = [];
  for (const item of value as unknown[]) {
    const request = isFields(item) ? readRequest(item) : wrong('subs');
    if (request instanceof Refusal) return request;
    requests.push(request);
  }
  return requests;
}

const NEEDS: Readonly<Record<ModerationAction, 'user' | 'offset' | 'held' | 'settings' | null>> = {
  ban: 'user',
  unban: 'user',
  mute: 'user',
  unmute: 'user',
  shadow: 'user',
  unshadow: 'user',
  delete: 'offset',
  'clear-user': 'user',
  'clear-room': null,
  settings: 'settings',
  pin: 'offset',
  unpin: null,
  approve: 'held',
  deny: 'held',
  goal: 'settings',
};

function isAction(value: unknown): value is ModerationAction {
  return typeof value === 'string' && Object.hasOwn(NEEDS, value);
}

function readModerate(fields: Fields, i: number): ModerateCommand | Refusal {
  const { ch, mid, action, user, offset, held, seconds, reason, settings } = fields;
  if (!isChannelName(ch)) return wrong('ch');
  if (!isText(mid, limits.midLengthMax)) return wrong('mid');
  if (!isAction(action)) return wrong('action');
  const needed = NEEDS[action];
  if (needed !== null && fields[needed] === undefined) return wrong(needed);
  if (user !== undefined && !isText(user, 64)) return wrong('user');
  if (offset !== undefined && !isCount(offset)) return wrong('offset');
  if (held !== undefined && !isText(held, limits.heldLengthMax)) return wrong('held');
  if (seconds !== undefined && (!isCount(seconds) || seconds < 1)) return wrong('seconds');
  if (reason !== undefined && !isText(reason, 200)) return wrong('reason');
  if (settings !== undefined && !isFields(settings)) return wrong('settings');
  return {
    c: 'mod',
    i,
    ch,
    mid,
    action,
    ...(user === undefined ? {} : { user }),
    ...(offset === undefined ? {} : { offset }),
    ...(held === undefined ? {} : { held }),
    ...(seconds === undefined ? {} : { seconds }),
    ...(reason === undefined ? {} : { reason }),
    ...(settings === undefined ? {} : { settings }),
  };
}

/**
 * Checks one value of a client's frame. `i` of a refusal is 0 when the value holds no usable id.
 */
export function parseCommand(value: unknown): ParsedCommand {
  if (!isFields(value)) return refuse(0, wrong('a command is a map'));
  const { c, i } = value;
  if (!isCount(i)) return refuse(0, wrong('i'));
  if (typeof c !== 'string' || !Object.hasOwn(parsers, c)) {
    return refuse(i, new Refusal('unknown_command', errorCodes.unknown_command.message));
  }
  const command = parsers[c as CommandName](value, i);
  return command instanceof Refusal ? refuse(i, command) : { ok: true, command };
}

function refuse(i: number, { code, message }: Refusal): ParsedCommand {
  return { ok: false, i, error: [code, message] };
}
