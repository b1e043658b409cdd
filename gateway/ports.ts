// What the gateway needs of its siblings; main.ts connects these.

export interface LifeItem {
  /** Billing session. */
  readonly sessionId: string;
  readonly source: 'gateway';
  readonly node: string;
}

export interface LifeVerdict {
  readonly sessionId: string;
  /** cut, ended: the viewer leaves the room now. unknown: billing has never heard of it. */
  readonly verdict: 'ok' | 'warn' | 'cut' | 'ended' | 'unknown';
  readonly secondsLeft?: number;
  readonly reason?: string;
}

/** Tells billing which paid sessions have a live socket here. Rejects while billing is away. */
export interface ProofOfLife {
  touch(items: readonly LifeItem[]): Promise<readonly LifeVerdict[]>;
}

/** A gateway that sells nothing. */
export const noPaidSessions: ProofOfLife = { touch: () => Promise.resolve([]) };
