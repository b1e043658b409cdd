// The ticket with which this browser joins the realtime gateways.
import { call } from './http.js';

export interface RealtimeTicket {
  token: string;
  /** Best gateway first. */
  urls: string[];
  /** For networks that break WebSockets. */
  sockjsUrls: string[];
  userId: string;
  name: string;
  role: string;
}

/** @param room slug of the room that is being opened, if any */
export const fetchRealtimeTicket = (room: string | undefined): Promise<RealtimeTicket> =>
  call('POST', '/realtime/ticket', room === undefined ? {} : { room });
