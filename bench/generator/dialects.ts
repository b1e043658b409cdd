// How each kind of server is joined, and how one reader per group, the witness, decodes what it
// sends: it counts messages and checks their order. All other readers of the group must have its
// bytes exactly.
import { unpackMultiple } from 'msgpackr';
import { createTokenService, type TokenService } from '../../cluster/index.js';
import {
  codecOf,
  offerOf,
  unpackValues,
  type Frame,
  type Subprotocol,
} from '../../gateway/protocol/index.js';
import { preciseNowMs } from '../lib/open-loop.js';
import { clientFrame, opcodes } from './client-frames.js';

export interface Dialect {
  path(reader: number): string;
  /** Called once for each connection. */
  introduce(reader: number): Introduction;
  /**
   * What to do after the n-th frame (1 …) while joining; `frames` are sent. @throws Error when
   * refused
   */
  join(
    n: number,
    payload: Buffer,
  ): { readonly isJoined: boolean; readonly frames: readonly Buffer[] };
  witness(): Witness;
  /** The frame in which a reader says something to its room; where clients may. */
  say?(reader: number, text: string): Buffer;
}

export interface Introduction {
  /** Sub-protocols to offer. */
  readonly offer: readonly string[];
  /** Sent right after the upgrade. */
  readonly frames: readonly Buffer[];
  /** The server says nothing that shows who has joined. */
  readonly isQuiet?: true;
}

const nothingToSay: Introduction = { offer: [], frames: [] };

/** With the handshake as the reference client does it; as a frame when that is too large. */
export function introductionOf(encoding: Subprotocol, frame: Frame): Introduction {
  const offer = offerOf(encoding, frame);
  const opcode = codecOf(encoding).isBinary ? opcodes.binary : opcodes.text;
  return { offer, frames: offer.length > 1 ? [] : [clientFrame(opcode, frame)] };
}

export interface Witness {
  /** Messages counted so far. */
  readonly messages: number;
  /** Messages that came again, where the protocol allows it. */
  readonly repeats: number;
  /** Order or content that was not as it has to be. */
  readonly faults: string[];
  /** Ms from sending to here, of messages that say when they were sent. */
  readonly latencies: number[];
  take(payload: Buffer): void;
}

export type DialectSetup =
  | { readonly kind: 'plain' }
  | {
      readonly kind: 'floor';
      /** Payload of the one message that a client sends. */
      readonly helloBytes: number;
    }
  | {
      readonly kind: 'socket.io';
      /** Readers take turns at these, and hear what others say there: texts begin with the time. */
      readonly rooms?: readonly string[];
    }
  | { readonly kind: 'sockjs' }
  | {
      readonly kind: 'gateway';
      readonly secret: string;
      /**
       * Every reader joins all of these with a ticket of its own; messages of the first are
       * counted.
       */
      readonly rooms: readonly string[];
      /** Readers take turns at the rooms: each joins one of them, and counts what it hears. */
      readonly isOneRoomEach?: boolean;
      readonly encoding: Subprotocol;
      /** Also subscribes to `user:<id>`. */
      readonly hasUserChannel?: boolean;
      /**
       * Subscribes to the lobby, too. The same user of a later group comes back: with the same
       * token, and the ticket for that which the server gave the first time.
       */
      readonly isReturning?: boolean;
      /** Texts of messages begin with the time of sending, Unix ms. */
      readonly isTimed?: boolean;
      /** Told apart from the users of other groups. */
      readonly firstUser: number;
    };

export function createDialect(setup: DialectSetup): Dialect {
  switch (setup.kind) {
    case 'plain':
      return plain;
    case 'floor':
      return floor(setup.helloBytes);
    case 'socket.io':
      return setup.rooms === undefined ? socketIo : socketIoRooms(setup.rooms);
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
  introduce: () => ({ ...nothingToSay, isQuiet: true }),
  join: () => nothing,
  witness: () => new OrderWitness((payload) => [payload.readUInt32BE(0)]),
};

/** One message of so many bytes with the handshake, one reply; nothing after that. */
function floor(helloBytes: number): Dialect {
  const introduction = introductionOf('rt1.msgpack', Buffer.alloc(helloBytes, 0x78));
  return {
    path: () => '/',
    introduce: () => introduction,
    join: () => nothing,
    witness: () => new OrderWitness(() => []),
  };
}

/** Bytes of the connect command of this group's readers. */
export function helloBytes(setup: Extract<DialectSetup, { kind: 'gateway' }>): number {
  const command = connectOf(createTokenService(setup.secret), setup, 0);
  return Buffer.byteLength(codecOf(setup.encoding).encode([command]));
}

/** Engine.IO 4: `0{…}` open, we say `40`, `40{…}` joined, then `42["m","<sequence> …"]`. */
const socketIo: Dialect = {
  path: () => '/socket.io/?EIO=4&transport=websocket',
  introduce: () => nothingToSay,
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

/** Clients say `42["say","<time> …"]`; everybody in the room gets it as `42["m","<time> …"]`. */
function socketIoRooms(rooms: readonly string[]): Dialect {
  return {
    ...socketIo,
    path: (reader) => `${socketIo.path(reader)}&room=${inTurn(rooms, reader)}`,
    say: (_reader, text) => clientFrame(opcodes.text, `42["say","${text}"]`),
    // Nodes do not agree on an order, so messages are only counted.
    witness: () => {
      let count = 0;
      return new OrderWitness((payload, { latencies }) => {
        const text = payload.toString('latin1');
        if (!text.startsWith('42["m","')) return [];
        latencies.push(preciseNowMs() - Number.parseFloat(text.slice(8)));
        count += 1;
        return [count];
      });
    },
  };
}

/** `o` when open, then `a["<sequence> …", …]`. */
const sockjs: Dialect = {
  path: (reader) => `/live/000/r${reader}/websocket`,
  introduce: () => nothingToSay,
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
  const isTimed = setup.isTimed === true;
  const opcode = codec.isBinary ? opcodes.binary : opcodes.text;
  const { encoding } = setup;
  const decode = (payload: Buffer): readonly unknown[] =>
    codec.isBinary ? unpackValues(payload) : (JSON.parse(payload.toString()) as unknown[]);
  const isOneRoomEach = setup.isOneRoomEach === true;
  /** Undefined counts all: who is in one room hears of no other. */
  let countedAlias: number | undefined;
  let said = 0;
  return {
    path: () => '/',
    introduce: (reader) =>
      introductionOf(encoding, codec.encode([connectOf(tokens, setup, reader)])),
    join: (_n, payload) => {
      // Not the backlog: decoding that would take longer than all else.
      const reply = codec.isBinary ? unpackFirst(payload) : decode(payload)[0];
      const aliases = aliasesOf(reply);
      countedAlias = isOneRoomEach ? undefined : aliases[0];
      if (setup.isReturning === true) keepTicket(reply);
      return nothing;
    },
    witness: () =>
      new OrderWitness((payload, { latencies, faults }) => {
        const values = decode(payload);
        if (isTimed) latencies.push(...ages(values, countedAlias));
        if (faults.length < FAULTS_MAX) faults.push(...refusals(values));
        return offsetsOf(values, countedAlias);
      }, true),
    say(reader, text) {
      said += 1;
      const command = {
        ...({ c: 'pub', i: said + 1, mid: `${reader}-${said}`, kind: 'm' } as const),
        ...{ ch: `room:${inTurn(setup.rooms, reader)}`, body: { text } },
      };
      return clientFrame(opcode, codec.encode([command]));
    },
  };
}

interface Visit {
  readonly token: string;
  /** To come back with. */
  ticket?: string;
}

/** Of those who come back, by user. */
const visits = new Map<string, Visit>();

function connectOf(
  tokens: TokenService,
  setup: Extract<DialectSetup, { kind: 'gateway' }>,
  reader: number,
) {
  const sub = String(setup.firstUser + reader);
  const visit = visits.get(sub);
  const token =
    visit?.token ?? tokens.sign('connect', { sub, name: `viewer-${sub}`, role: 'viewer' }, 3_600);
  if (setup.isReturning === true && visit === undefined) visits.set(sub, { token });
  const ticket = (room: string): string =>
    visit?.ticket ?? tokens.sign('room', { sub, room, level: 'participant' }, 30);
  const rooms = setup.isOneRoomEach === true ? [inTurn(setup.rooms, reader)] : setup.rooms;
  return {
    c: 'connect',
    i: 1,
    token,
    subs: [
      ...rooms.map((room) => ({ ch: `room:${room}`, ticket: ticket(room) })),
      ...(setup.hasUserChannel === true ? [{ ch: `user:${sub}` }] : []),
      ...(setup.isReturning === true ? [{ ch: 'lobby' }] : []),
    ],
  } as const;
}

/** A server gives none to who has shown one that is good for a while. */
function keepTicket(reply: unknown): void {
  const { r } = reply as { r: { user: { id: string }; subs: { resume?: string }[] } };
  const visit = visits.get(r.user.id);
  const ticket = r.subs[0]?.resume;
  if (visit !== undefined && ticket !== undefined) visit.ticket = ticket;
}

/** The first of the MessagePack values of a frame. */
function unpackFirst(payload: Buffer): unknown {
  let first: unknown;
  unpackMultiple(payload, (value: unknown) => {
    first = value;
    return false;
  });
  return first;
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

function inTurn(rooms: readonly string[], reader: number): string {
  return rooms[reader % rooms.length] ?? '';
}

/** Answers to what was said that give it no place. */
function refusals(values: readonly unknown[]): string[] {
  return values.flatMap((value) => {
    if (Array.isArray(value)) return [];
    const { e, r } = value as { e?: unknown; r?: { state?: string } };
    return e !== undefined || r?.state !== undefined ? [JSON.stringify(value)] : [];
  });
}

/** Offsets of the reliable pushes of one channel, or of all. */
function offsetsOf(values: readonly unknown[], alias: number | undefined): number[] {
  return values.flatMap((value) => {
    if (!Array.isArray(value)) return [];
    const [of, offset] = value as unknown[];
    return (alias === undefined || of === alias) && typeof offset === 'number' && offset > 0
      ? [offset]
      : [];
  });
}

/** How long ago each reliable push was sent, by the stamp at the start of its text. */
function ages(values: readonly unknown[], alias: number | undefined): number[] {
  const now = preciseNowMs();
  return values.flatMap((value) => {
    const [of, offset, , , body] = Array.isArray(value) ? (value as unknown[]) : [undefined, 0];
    if ((alias !== undefined && of !== alias) || offset === 0) return [];
    const { text = '' } = body as { text?: string };
    return [now - Number.parseFloat(text)];
  });
}

const FAULTS_MAX = 5;

/** Counts different messages and checks that each sequence number is the one before plus one. */
class OrderWitness implements Witness {
  messages = 0;
  repeats = 0;
  readonly faults: string[] = [];
  readonly latencies: number[] = [];
  private last: number | undefined;
  /** Jumped over, and not come later either. */
  private readonly missing = new Set<number>();

  constructor(
    private readonly numbersOf: (
      payload: Buffer,
      into: Pick<Witness, 'latencies' | 'faults'>,
    ) => readonly number[],
    /** rt1 allows a server to repeat messages after a stall; clients skip them. */
    private readonly mayRepeat = false,
  ) {}

  take(payload: Buffer): void {
    for (const number of this.numbersOf(payload, this)) this.count(number);
  }

  private count(number: number): void {
    const { last } = this;
    if (last !== undefined && number <= last && this.mayRepeat) {
      if (this.missing.delete(number)) this.messages += 1;
      else this.repeats += 1;
      return;
    }
    if (last !== undefined && number !== last + 1) {
      if (this.faults.length < FAULTS_MAX) this.faults.push(`${number} after ${last}`);
      for (let hole = last + 1; hole < number; hole += 1) this.missing.add(hole);
    }
    this.last = number;
    this.messages += 1;
  }
}
