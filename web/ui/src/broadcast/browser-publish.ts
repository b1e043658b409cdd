// Publishing from the browser: a recorded MediaStream travels in pieces over one WebSocket into the
// ingest. Owned by the broadcast panel. Invariant: pieces are sent only after `live`, in order, and
// when the link is too slow the publish ends with words instead of growing without bound.
import type { PublishTicket, StreamFigures } from '../api/broadcast.js';

export interface PublishEvents {
  onLive: () => void;
  onHealth: (figures: StreamFigures) => void;
  /** Once, whoever ended it; empty = our own wish. */
  onEnd: (reason: string) => void;
}

/** What makes the pieces; a MediaRecorder in the page. */
export interface Recorder {
  readonly mimeType: string;
  /** @param handlers `onPiece` about twice a second, in order */
  start(handlers: { onPiece: (piece: Blob) => void; onError: () => void }): void;
  /** No more pieces after it. */
  stop(): void;
}

const subProtocol = 'showbill.publish';
/** Some ten seconds at 3 Mbit/s: beyond it viewers would see the past. */
const waitingBytesMax = 4 << 20;

const wishes = [
  'video/webm;codecs=h264,opus',
  'video/webm;codecs=vp8,opus',
  'video/webm',
  'video/mp4',
];

/** The container that this browser can record and the ingest reads; undefined = none. */
export function pickMime(isSupported: (mime: string) => boolean): string | undefined {
  return wishes.find(isSupported);
}

export type PublishNews =
  | { state: 'live' }
  | { state: 'health'; figures: StreamFigures }
  | { state: 'over'; reason: string };

/** Reads what the ingest says; undefined for what is not understood. */
export function readNews(text: string): PublishNews | undefined {
  const fields = parse(text);
  const number = (name: string): number => {
    const value = fields[name];
    return typeof value === 'number' && Number.isFinite(value) ? value : 0;
  };
  switch (fields['state']) {
    case 'live':
      return { state: 'live' };
    case 'health':
      return {
        state: 'health',
        figures: {
          bitrateKbps: number('bitrateKbps'),
          fps: number('fps'),
          keyFrameSec: number('keyFrameSec'),
          droppedFrames: number('droppedFrames'),
        },
      };
    case 'refused':
    case 'ended': {
      const { reason } = fields;
      const words = typeof reason === 'string' && reason !== '' ? reason : 'The show was ended.';
      return { state: 'over', reason: words };
    }
    default:
      return undefined;
  }
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

export interface Publishing {
  recorder: Recorder;
  ticket: PublishTicket;
  /** Of the picture, pixels; absent for sound alone. */
  size?: { width: number; height: number };
}

export class BrowserPublish {
  private readonly socket: WebSocket;
  private isLive = false;
  private isOver = false;

  constructor(
    private readonly publishing: Publishing,
    private readonly events: PublishEvents,
  ) {
    const { ticket, recorder, size } = publishing;
    this.socket = new WebSocket(ticket.url, subProtocol);
    this.socket.binaryType = 'arraybuffer';
    this.socket.onopen = () => {
      const hello = { token: ticket.token, mime: recorder.mimeType, ...size };
      this.socket.send(JSON.stringify(hello));
    };
    this.socket.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (typeof data === 'string') this.hear(data);
    };
    this.socket.onclose = () => this.end('The connection to the stage was lost.');
  }

  stop(): void {
    this.end('');
  }

  private hear(text: string): void {
    const news = readNews(text);
    if (news?.state === 'over') this.end(news.reason);
    else if (news?.state === 'health') this.events.onHealth(news.figures);
    else if (news && !this.isLive && !this.isOver) this.goLive();
  }

  private goLive(): void {
    this.isLive = true;
    this.publishing.recorder.start({
      onPiece: (piece) => this.send(piece),
      onError: () => this.end('The browser could not record any further.'),
    });
    this.events.onLive();
  }

  private send(piece: Blob): void {
    if (this.isOver || piece.size === 0) return;
    if (this.socket.bufferedAmount > waitingBytesMax) {
      this.end('Your connection is too slow for this picture.');
      return;
    }
    // The socket keeps the order of its messages, blobs included.
    this.socket.send(piece);
  }

  private end(reason: string): void {
    if (this.isOver) return;
    this.isOver = true;
    if (this.isLive) this.publishing.recorder.stop();
    this.socket.close(1000);
    this.events.onEnd(reason);
  }
}
