// Shapes of results inside replies, read by clients. A result that lacks what it must hold is
// undefined.
import { isCount, isFields, type Fields } from './fields.js';
import type {
  AccessLevel,
  ConnectResult,
  PublishResult,
  Role,
  SubscribeOutcome,
} from './messages.js';
import { parseErrorTuple } from './parse-server-message.js';

const levels: ReadonlySet<unknown> = new Set<AccessLevel>([
  'ghost',
  'view',
  'participant',
  'performer',
  'moderator',
  'admin',
]);
const roles: ReadonlySet<unknown> = new Set<Role>([
  'anon',
  'viewer',
  'model',
  'moderator',
  'admin',
]);

export function isAccessLevel(value: unknown): value is AccessLevel {
  return levels.has(value);
}

export function isRole(value: unknown): value is Role {
  return roles.has(value);
}

export function parseSubscribeOutcome(value: unknown): SubscribeOutcome | undefined {
  if (!isFields(value)) return undefined;
  const { ch, e, a, epoch, from, top, recovered, level, resume, chat } = value;
  if (typeof ch !== 'string') return undefined;
  if (e !== undefined) return { ch, e: parseErrorTuple(e) };
  if (!isCount(a) || !isCount(from) || !isCount(top) || typeof epoch !== 'string') return undefined;
  return {
    ch,
    a,
    epoch,
    from,
    top,
    recovered: recovered === true,
    level: isAccessLevel(level) ? level : 'view',
    ...(chat === false ? { chat } : {}),
    ...(typeof resume === 'string' ? { resume } : {}),
  };
}

export function parseConnectResult(fields: Fields): ConnectResult | undefined {
  const { node, session, user, now, exp, subs } = fields;
  if (typeof node !== 'string' || typeof session !== 'string' || !isFields(user)) return undefined;
  if (!isCount(now) || !isCount(exp) || !Array.isArray(subs)) return undefined;
  const { id, name, role } = user;
  if (typeof id !== 'string' || typeof name !== 'string') return undefined;
  const outcomes = (subs as unknown[]).map(parseSubscribeOutcome);
  return {
    node,
    session,
    user: { id, name, role: isRole(role) ? role : 'anon' },
    now,
    exp,
    subs: outcomes.filter((outcome) => outcome !== undefined),
  };
}

export function parsePublishResult(fields: Fields): PublishResult | undefined {
  const { epoch, offset, ts, state } = fields;
  if (typeof epoch !== 'string' || !isCount(offset) || !isCount(ts)) return undefined;
  return {
    epoch,
    offset,
    ts,
    ...(state === 'sampled' || state === 'held' ? { state } : {}),
  };
}
