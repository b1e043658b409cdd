// How each kind of server is joined, and how one reader per group, the witness, decodes what it sends:
// it counts messages and checks their order. All other readers of the group must have its bytes exactly.
import { createTokenService, type TokenService } from '../../cluster/index.js';
import { codecOf, unpackValues, type Subprotocol } from '../../gateway/protocol/index.js';
import { clientFrame, opcodes } from './client-frames.js';

export interface Dialect {
  readonly subprotocol?: string;
  path(reader: number): string;
  /** Frames to send right after the upgrade. */
  hello(reader: number): readonly Buffer[];
  /** What to do after the n-th frame (1 …) while joining; `frames` are sent. @throws Error when refused */
  join(
    n: number,
    payload: Buffer,
  ): { readonly isJoined: boolean; readonly frames: readonly Buffer[] };
  witness(): Witness;
}

export interface Witness {
  /** Messages counted so far. */
  readonly messages: number;
  /** Order or content that was not as it has to be. */
  readonly faults: readonly string[];
  take(payload: Buffer): void;
}

export type DialectSetup =
  | { readonly kind: 'plain' }
  | { readonly kind: 'socket.io' }
  | { readonly kind: 'sockjs' }
  | {
      readonly kind: 'gateway';
      readonly secret: string;
      /** Every reader joins all of these with a ticket of its own; messages of the first are counted. */
      readonly rooms: readonly string[];
      readonly encoding: Subprotocol;
      /** Also subscribes to `user:<id>`. */
      readonly hasUserChannel?: boolean;
      /** Told apart from the users of other groups. */
      readonly firstUser: number;
    };

export function createDialect(setup: DialectSetup): Dialect {
  switch (setup.kind) {
    case 'plain':
      return plain;
    case 'socket.io':
      return socketIo;
    case 'sockjs':
      return sockjs;
    case 'gateway':
      return gateway(setup);
  }
}

const nothing = { isJoined: true, frames: [] } as const;

/** Frames of `bytes` with a sequence number in front, one message each. */
const plain: Dialect = {
  path: () => '/',
  hello: () => [],
  join: () => nothing,
  witness: () => new OrderWitness((payload) => [payload.readUInt32BE(0)]),
};

/** Engine.IO 4: `0{…}` open, we say `40`, `40{…}` joined, then `42["m","<sequence> …"]`. */
const socketIo: Dialect = {
  path: () => '/socket.io/?EIO=4&transport=websocket',
  hello: () => [],
  join: (n, payload) => {
    const text = payload.toString('latin1');
    if (n === 1) return { isJoined: false, frames: [clientFrame(opcodes.text, '40')] };
    if (!text.startsWith('40')) throw new Error(`Socket.IO refused: ${text}`);
    return nothing;
  },
  witness: () =>
    new OrderWitness((payload) => {
      const text = payload.toString('latin1');
      return text.startsWith('42["m","') ? [Number.parseInt(text.slice(8), 10)] : [];
    }),
};

/** `o` when open, then `a["<sequence> …", …]`. */
const sockjs: Dialect = {
  path: (reader) => `/live/000/r${reader}/websocket`,
  hello: () => [],
  join: (_n, payload) => {
    if (payload.toString('latin1') !== 'o') throw new Error('SockJS did not open');
    return nothing;
  },
  witness: () =>
    new OrderWitness((payload) => {
      const text = payload.toString('latin1');
      if (!text.startsWith('a')) return [];
      return (JSON.parse(text.slice(1)) as string[]).map((one) => Number.parseInt(one, 10));
    }),
};

function gateway(setup: Extract<DialectSetup, { kind: 'gateway' }>): Dialect {
  const tokens = createTokenService(setup.secret);
  const codec = codecOf(setup.encoding);
  const opcode = codec.isBinary ? opcodes.binary : opcodes.text;
  const decode = (payload: Buffer): readonly unknown[] =>
    codec.isBinary ? unpackValues(payload) : (JSON.parse(payload.toString()) as unknown[]);
  let countedAlias = 0;
  return {
    subprotocol: setup.encoding,
    path: () => '/',
    hello: (reader) => [clientFrame(opcode, codec.encode([connectOf(tokens, setup, reader)]))],
    join: (_n, payload) => {
      const aliases = aliasesOf(decode(payload)[0]);
      countedAlias = aliases[0] ?? 0;
      return nothing;
    },
    witness: () => new OrderWitness((payload) => offsetsOf(decode(payload), countedAlias)),
  };
}

function connectOf(
  tokens: TokenService,
  setup: Extract<DialectSetup, { kind: 'gateway' }>,
  reader: number,
) {
  const sub = String(setup.firstUser + reader);
  const ticket = (room: string): string =>
    tokens.sign('room', { sub, room, level: 'participant' }, 30);
  return {
    c: 'connect',
    i: 1,
    token: tokens.sign('connect', { sub, name: `viewer-${sub}`, role: 'viewer' }, 3_600),
    subs: [
      ...setup.rooms.map((room) => ({ ch: `room:${room}`, ticket: ticket(room) })),
      ...(setup.hasUserChannel === true ? [{ ch: `user:${sub}` }] : []),
    ],
  } as const;
}

/** Aliases of all subscriptions. @throws Error when one was refused */
function aliasesOf(reply: unknown): number[] {
  const { r, e } = reply as { r?: { subs: { a?: number; e?: unknown }[] }; e?: unknown };
  if (r === undefined) throw new Error(`connect refused: ${JSON.stringify(e ?? reply)}`);
  return r.subs.map(({ a, e: refusal }) => {
    if (a === undefined) throw new Error(`subscription refused: ${JSON.stringify(refusal)}`);
    return a;
  });
}

/** Offsets of the reliable pushes of one channel. */
function offsetsOf(values: readonly unknown[], alias: number): number[] {
  return values.flatMap((value) => {
    if (!Array.isArray(value)) return [];
    const [of, offset] = value as unknown[];
    return of === alias && typeof offset === 'number' && offset > 0 ? [offset] : [];
  });
}

const FAULTS_MAX = 5;

/** Counts and checks that each sequence number is the one before plus one. */
class OrderWitness implements Witness {
  messages = 0;
  readonly faults: string[] = [];
  private last: number | undefined;

  constructor(private readonly numbersOf: (payload: Buffer) => readonly number[]) {}

  take(payload: Buffer): void {
    for (const number of this.numbersOf(payload)) {
      if (this.last !== undefined && number !== this.last + 1 && this.faults.length < FAULTS_MAX) {
        this.faults.push(`${number} after ${this.last}`);
      }
      this.last = number;
      this.messages += 1;
    }
  }
}
