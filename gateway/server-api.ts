// What other parts of a site, in whatever language, ask of the gateways over HTTP: publish,
// disconnect and move users, look into rooms, change their settings. Pure of HTTP; every body is
// checked before anything is done. Any worker answers for the whole fleet, since all state is in
// Redis and orders travel over the bus. Everything may be repeated: publishes and acts carry a mid.
import { Type, type Static, type TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { AppError, placeUser, type PlaceableMember } from '../cluster/index.js';
import type { GatewayControl } from './control.js';
import { gatewayError } from './errors.js';
import type { Publisher, PublishRequest } from './publisher.js';
import type { RoomAct, RoomAdmin } from './room-admin.js';

export interface ServerRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: string;
}

export interface ServerReply {
  readonly status: number;
  readonly body: unknown;
}

export interface ServerApiOptions {
  readonly publisher: Publisher;
  readonly control: GatewayControl;
  readonly rooms: RoomAdmin;
  /** Viewers of a room now. */
  readonly viewers: (roomId: string) => Promise<number>;
  /** Gateways of the fleet, with the addresses that they registered. */
  readonly workers: () => readonly (PlaceableMember & {
    readonly address: Readonly<Record<string, string>>;
  })[];
}

const CALLS_MAX = 500;
const PAGE_MAX = 100;

const Id = Type.String({ minLength: 1, maxLength: 64 });
const Reason = Type.String({ minLength: 1, maxLength: 200 });
const Fields = Type.Record(Type.String(), Type.Unknown());
const Publish = Type.Object(
  {
    do: Type.Literal('publish'),
    channel: Type.String({ minLength: 1, maxLength: 128 }),
    kind: Type.String({ pattern: '^[a-z]$' }),
    body: Fields,
    cls: Type.Optional(Type.Enum(['reliable', 'latest', 'volatile'])),
    mid: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    key: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    version: Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })),
  },
  { additionalProperties: false },
);
const Disconnect = Type.Object(
  { do: Type.Literal('disconnect'), user: Id },
  { additionalProperties: false },
);
const Evict = Type.Object(
  {
    do: Type.Literal('evict'),
    room: Id,
    user: Type.Optional(Id),
    keep: Type.Optional(Type.Array(Id, { maxItems: 10_000 })),
    reason: Reason,
    redirect: Type.Optional(Id),
  },
  { additionalProperties: false },
);
const Batch = Type.Object(
  { calls: Type.Array(Fields, { minItems: 1, maxItems: CALLS_MAX }) },
  { additionalProperties: false },
);
const Settings = Type.Object(
  {
    by: Type.Object({ id: Id, name: Id, role: Id }, { additionalProperties: false }),
    mid: Type.String({ minLength: 1, maxLength: 64 }),
    settings: Fields,
  },
  { additionalProperties: false },
);
const Act = Type.Object(
  {
    by: Type.Object({ id: Id, name: Id, role: Id }, { additionalProperties: false }),
    mid: Type.String({ minLength: 1, maxLength: 64 }),
    action: Type.String({ minLength: 1, maxLength: 32 }),
    user: Type.Optional(Id),
    offset: Type.Optional(Type.Integer({ minimum: 1 })),
    held: Type.Optional(Id),
    seconds: Type.Optional(Type.Integer({ minimum: 1 })),
    reason: Type.Optional(Reason),
  },
  { additionalProperties: false },
);
const Flags = Type.Object(
  {
    isOnline: Type.Optional(Type.Boolean()),
    isPrivate: Type.Optional(Type.Boolean()),
    anonsMayEnter: Type.Optional(Type.Boolean()),
    anonsSeeChat: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);

const checks = {
  batch: checker(Batch),
  publish: checker(Publish),
  disconnect: checker(Disconnect),
  evict: checker(Evict),
  settings: checker(Settings),
  act: checker(Act),
  flags: checker(Flags),
};

export class ServerApi {
  constructor(private readonly options: ServerApiOptions) {}

  /** Never rejects for a fault of the world or of the caller: those are coded replies. */
  async handle(request: ServerRequest): Promise<ServerReply> {
    try {
      return { status: 200, body: await this.run(request) };
    } catch (thrown) {
      if (thrown instanceof AppError) return { status: thrown.http, body: thrown.toBody() };
      throw thrown;
    }
  }

  private run({ method, path, query, body }: ServerRequest): Promise<unknown> {
    const [, version, area = '', id = '', part = ''] = path.split('/').map(decode);
    const call = `${method} ${version === 'v1' ? area : ''}${part === '' ? '' : `/${part}`}`;
    if (call === 'POST batch') return this.batch(parse(body));
    if (call === 'GET route') return this.route(query);
    if (call === 'GET rooms/history') return this.options.rooms.history(id, pageOf(query));
    if (call === 'GET rooms/held') return this.held(id);
    if (call === 'GET rooms/audit') return this.audit(id, query);
    if (call === 'GET rooms/bans') return this.options.rooms.bans(id, pageOf(query));
    if (call === 'GET rooms/presence') return this.presence(id);
    if (call === 'GET rooms/settings') return this.options.rooms.settings(id);
    if (call === 'PUT rooms/settings') return this.putSettings(id, parse(body));
    if (call === 'PUT rooms/flags') return this.putFlags(id, parse(body));
    if (call === 'POST rooms/acts') return this.act(id, parse(body));
    throw gatewayError('GATEWAY_NO_SUCH_CALL', { path: path.slice(0, 200), method });
  }

  /** Each call has its own outcome, in the order of the calls; one that fails harms no other. */
  private async batch(value: unknown): Promise<unknown> {
    const { calls } = checks.batch(value);
    const results = await Promise.all(calls.map((call) => this.outcome(call)));
    return { results };
  }

  private async outcome(call: unknown): Promise<unknown> {
    try {
      return { ok: await this.one(call) };
    } catch (thrown) {
      if (thrown instanceof AppError) return thrown.toBody();
      throw thrown;
    }
  }

  private async one(call: unknown): Promise<unknown> {
    const verb = (call as { do?: unknown }).do;
    if (verb === 'publish') return this.publish(checks.publish(call));
    if (verb === 'disconnect') {
      await this.options.control.send(checks.disconnect(call));
      return {};
    }
    if (verb === 'evict') {
      await this.options.control.send(checks.evict(call));
      return {};
    }
    throw invalid('do must be publish, disconnect or evict');
  }

  private publish(call: Static<typeof Publish>): Promise<unknown> {
    const { channel, cls = 'reliable', kind, body, mid, key, version } = call;
    // Without a mid a repeated batch would say it twice.
    if (cls === 'reliable' && mid === undefined) throw invalid('a reliable publish needs a mid');
    const more = {
      ...(mid === undefined ? {} : { mid }),
      ...(key === undefined ? {} : { key }),
      ...(version === undefined ? {} : { version }),
    };
    const request = { cls, kind, body, ...more } as PublishRequest;
    return this.options.publisher.publish(channel, request);
  }

  private async presence(roomId: string): Promise<unknown> {
    return { viewers: await this.options.viewers(roomId) };
  }

  private async held(roomId: string): Promise<unknown> {
    return { items: await this.options.rooms.held(roomId) };
  }

  private async audit(roomId: string, query: URLSearchParams): Promise<unknown> {
    return { records: await this.options.rooms.audit(roomId, pageOf(query)) };
  }

  private async putSettings(roomId: string, value: unknown): Promise<unknown> {
    const { by, mid, settings } = checks.settings(value);
    return this.options.rooms.moderate(roomId, { action: 'settings', by, mid, settings });
  }

  private async putFlags(roomId: string, value: unknown): Promise<unknown> {
    await this.options.rooms.setFlags(roomId, checks.flags(value));
    return {};
  }

  private act(roomId: string, value: unknown): Promise<unknown> {
    // moderate() knows the actions and says which it does not.
    return this.options.rooms.moderate(roomId, checks.act(value) as RoomAct);
  }

  /** Best workers first for a user, and for the room that the user is about to enter. */
  private async route(query: URLSearchParams): Promise<unknown> {
    const user = query.get('user') ?? '';
    const roomId = query.get('room');
    if (user === '' || user.length > 64) throw invalid('user must be 1…64 characters');
    const room =
      roomId === null ? undefined : { id: roomId, viewers: await this.options.viewers(roomId) };
    const destination = room === undefined ? { user } : { user, room };
    const workers = placeUser(destination, this.options.workers());
    return { workers: workers.map(({ id, address }) => ({ id, address })) };
  }
}

/** @returns the value as its schema says, or throws GATEWAY_BAD_REQUEST with the first problem */
function checker<S extends TSchema>(shape: S): (value: unknown) => Static<S> {
  const validator = Compile(shape);
  return (value) => {
    if (validator.Check(value)) return value;
    const [first] = validator.Errors(value);
    throw invalid(`${first?.instancePath ?? ''} ${first?.message ?? 'does not fit'}`.trim());
  };
}

function invalid(problem: string): AppError {
  return gatewayError('GATEWAY_BAD_REQUEST', { problem });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw invalid('the body is not JSON');
  }
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw invalid('the path is not percent-encoded as it should be');
  }
}

function pageOf(query: URLSearchParams): { before?: number; limit: number } {
  const limit = Number(query.get('limit') ?? 50);
  const before = query.get('before');
  if (!Number.isInteger(limit) || limit < 1 || limit > PAGE_MAX) {
    throw invalid(`limit must be 1…${PAGE_MAX}`);
  }
  if (before === null) return { limit };
  if (!/^\d{1,15}$/.test(before)) throw invalid('before must be a number');
  return { limit, before: Number(before) };
}
