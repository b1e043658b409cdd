// Frames and bytes of a transport, as plain numbers: they change with every frame, and are read
// when Prometheus asks. Bytes are those of the frames, without the headers of WebSocket or HTTP.
import type { Frame } from './protocol/index.js';

export interface Traffic {
  framesIn: number;
  framesOut: number;
  bytesIn: number;
  bytesOut: number;
}

export function noTraffic(): Traffic {
  return { framesIn: 0, framesOut: 0, bytesIn: 0, bytesOut: 0 };
}

export function countIn(traffic: Traffic, bytes: number): void {
  traffic.framesIn += 1;
  traffic.bytesIn += bytes;
}

/** One frame to so many listeners. */
export function countOut(traffic: Traffic, frame: Frame, listeners: number): void {
  traffic.framesOut += listeners;
  traffic.bytesOut +=
    listeners * (typeof frame === 'string' ? Buffer.byteLength(frame) : frame.byteLength);
}
