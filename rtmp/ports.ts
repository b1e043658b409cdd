// What the media tier needs from its siblings; main.ts provides it.

/** Where the hooks are. Asked before each call, so the answer may follow the member list. */
export interface HookTarget {
  /**
   * Base address, such as `http://127.0.0.1:8084/hooks/nginx-rtmp`; undefined while none is known.
   */
  url(): string | undefined;
}

export type WatchVerdict = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/** Whether a paid session may watch. */
export interface WatchGate {
  /** @param sid billing session id. Rejects when nobody can tell at the moment. */
  mayWatch(sid: string): Promise<WatchVerdict>;
}
