// Stream keys that live for two minutes: `tk_<token>`, a token of purpose `publish` for one stream.
// Used by the hooks; the site makes them for broadcasting from the browser. Invariant: a token
// opens one hook session, also when it is asked twice.
import { createHash } from 'node:crypto';
import type { RedisClient, TokenService } from '../cluster/index.js';
import type { TermsStore } from './terms.js';

const PREFIX = 'tk_';
/** Remembered for as long as a broadcast may last: its updates may go on sending the token. */
const REMEMBERED_SEC = 2 * 86_400;

export interface TemporaryKeysOptions {
  readonly redis: RedisClient;
  readonly tokens: TokenService;
  readonly terms: Pick<TermsStore, 'byStream'>;
}

export class TemporaryKeys {
  constructor(private readonly options: TemporaryKeysOptions) {}

  static is(name: string): boolean {
    return name.startsWith(PREFIX);
  }

  /**
   * Takes the key for this hook session.
   * @returns undefined when it is no such key, expired, for no stream of ours, or taken by another
   */
  async claim(name: string, session: string): Promise<string | undefined> {
    const { redis, tokens, terms } = this.options;
    const verified = tokens.verify<{ sub: string; stream?: string }>(
      'publish',
      name.slice(PREFIX.length),
    );
    const streamId = verified.ok ? verified.claims.stream : undefined;
    if (streamId === undefined || (await terms.byStream(streamId)) === undefined) return undefined;
    const mine = `${session} ${streamId}`;
    const key = keyOf(name);
    const isFirst = await redis.set(key, mine, 'EX', REMEMBERED_SEC, 'NX');
    return isFirst === 'OK' || (await redis.get(key)) === mine ? streamId : undefined;
  }

  /** The stream that this session has opened with the key, also after the token has expired. */
  async streamOf(name: string, session: string): Promise<string | undefined> {
    const stored = await this.options.redis.get(keyOf(name));
    const [owner, streamId] = stored?.split(' ') ?? [];
    return owner === session ? streamId : undefined;
  }
}

/** Beside the publishers; the token itself is not kept. */
function keyOf(name: string): string {
  return `{live}:tk:${createHash('sha256').update(name).digest('base64url')}`;
}
