// One client connection as the gateway sees it, whatever its transport. Kept small: there are
// thousands.
import type { AccessLevel, Role, Subprotocol } from './protocol/index.js';
import type { Channel } from './channel.js';
import { FewMap } from './few-map.js';
import type { Socket } from './socket.js';

export interface User {
  /** Account id, or `anon:<random>`. */
  readonly id: string;
  readonly name: string;
  readonly role: Role;
}

/** What a session may do in one channel. */
export interface Membership {
  readonly level: AccessLevel;
  /** Paid session that this membership keeps alive. */
  readonly bill?: string;
  /** What the user is to the room: bits follower … member of messageFlags. */
  readonly groups: number;
  /** The ticket says: may be in the room while it is private. */
  readonly isInvited?: boolean;
  /** The ticket says: gets no messages. */
  readonly isChatless?: boolean;
  /** Gets no messages: because of the ticket, or because the room shows visitors no chat. */
  readonly isQuiet?: boolean;
}

export interface SessionOptions {
  readonly id: string;
  readonly encoding: Subprotocol;
  readonly transport: 'websocket' | 'sockjs';
  readonly address: string;
  readonly openedAtMs: number;
}

export class Session {
  readonly id: string;
  readonly encoding: Subprotocol;
  readonly transport: 'websocket' | 'sockjs';
  readonly address: string;
  readonly openedAtMs: number;
  /** Set by the transport before onOpen. */
  socket!: Socket;
  /** Undefined until the connect command was accepted. */
  user: User | undefined;
  isConnecting = false;
  tokenExpMs = 0;
  readonly channels = new FewMap<string, Channel>();
  /** Channels that this socket gets from the ring instead of live, with the offset it has. */
  lagging: Map<Channel, number> | undefined;
  /** When the socket last took something while lagging. */
  lagMs = 0;
  isPumping = false;
  /** A frame was dropped; the socket is about to leave its topics. */
  isParting = false;
  /** Generic cell rate of commands: when the bucket is empty again, ms. */
  commandTat = 0;
  faults = 0;
  refusals = 0;
  commands = 0;
  isEnded = false;
  /** Why the gateway ended it; '' when the client or the network did. */
  endReason = '';

  constructor(options: SessionOptions) {
    this.id = options.id;
    this.encoding = options.encoding;
    this.transport = options.transport;
    this.address = options.address;
    this.openedAtMs = options.openedAtMs;
  }

  get isBinary(): boolean {
    return this.encoding === 'rt1.msgpack';
  }
}
