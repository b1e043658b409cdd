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

export const fetchRealtimeTicket = (): Promise<RealtimeTicket> =>
  call('POST', '/realtime/ticket', {});
