// What the hub needs of a transport. Implemented by transports/; SockJS and WebSocket look alike
// from here.
import type { Frame } from './protocol/index.js';
import type { Session } from './session.js';

/**
 * sent = on its way · queued = buffered, wait for drain before the next · dropped = refused, buffer
 * full
 */
export type SendResult = 'sent' | 'queued' | 'dropped';

export interface Socket {
  /** `frame` is the caller's again when this returns. */
  send(frame: Frame): SendResult;
  bufferedBytes(): number;
  subscribe(topic: string): void;
  unsubscribe(topic: string): void;
  /** Says goodbye and closes; nothing may be sent afterwards. */
  end(code: number, reason: string): void;
  /** Closes at once, for readers that would never see the goodbye. */
  terminate(): void;
}

/** Topics of one transport. Publishing allocates nothing per subscriber. */
export interface TopicPublisher {
  publish(topic: string, frame: Frame): void;
}

/** What a transport tells about its sockets. */
export interface SessionEvents {
  onOpen(session: Session): void;
  /** `data` is valid during the call only. */
  onFrame(session: Session, data: Frame): void;
  /** A published frame did not fit into this socket's buffer any more. */
  onDropped(session: Session, frame: Frame): void;
  onDrain(session: Session): void;
  onClose(session: Session, code: number, reason: string): void;
}
