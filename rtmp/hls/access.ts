// Who may have which HLS file: verifies the signed path and asks the guard. Used by http.ts.
//
// Playlists accept an expired but authentic prefix, because a player asks for the same playlist
// address for as long as it plays: what counts there is that the session may watch now, asked anew
// each time. The grant behind it may be at most `GRANT_AGE_MAX_SEC` old. Segments need a prefix
// that has not expired; each playlist hands out a fresh one, in the query of its files: their paths
// stay, because players take another path for another segment. So a session that is cut off has
// nothing to play after the segments it knows already.
import {
  type AppError,
  type Clock,
  type HlsGrant,
  signHlsPath,
  verifyHlsPath,
} from '../../cluster/index.js';
import { hlsError, type hlsErrors } from '../errors.js';
import { epochOfSid, type FreeEpochs } from './free-epochs.js';
import type { WatchGuard } from './watch-guard.js';

export interface SignedPath {
  readonly prefix: string;
  readonly streamId: string;
}

/** Opens the picture of a stream and nothing else: for lists of live rooms. */
export const PREVIEW_SID = 'preview';

const RECORDING_SID = 'rec:';

/** Session of paths that open one recording and nothing else: neither the show nor another one. */
export function recordingSid(id: string): string {
  return `${RECORDING_SID}${id}`;
}

type HlsError = AppError<keyof typeof hlsErrors>;
export type Access =
  | { readonly ok: true; readonly grant: HlsGrant }
  | { readonly ok: false; readonly error: HlsError };

/** A show that lasts longer asks its viewers to enter the room again. */
const GRANT_AGE_MAX_SEC = 12 * 3_600;
/** Fresh prefixes end at whole steps, so that they change rarely; life is 60–90 s. */
const FRESH_MIN_SEC = 60;
const FRESH_STEP_SEC = 30;

export class HlsAccess {
  readonly #secret: string;
  readonly #guard: WatchGuard;
  readonly #clock: Clock;
  readonly #freeEpochs: Pick<FreeEpochs, 'current'>;

  constructor(options: {
    secret: string;
    guard: WatchGuard;
    clock: Clock;
    freeEpochs: Pick<FreeEpochs, 'current'>;
  }) {
    this.#secret = options.secret;
    this.#guard = options.guard;
    this.#clock = options.clock;
    this.#freeEpochs = options.freeEpochs;
  }

  async forPlaylist(path: SignedPath): Promise<Access> {
    const nowSec = this.#nowSec();
    const verdict = verifyHlsPath(path, this.#secret, nowSec);
    if (!verdict.ok && verdict.reason !== 'expired') return refusal('HLS_PATH_FORGED');
    const { grant } = verdict;
    if (grant.sid === PREVIEW_SID) return refusal('HLS_NOT_ALLOWED', 'preview');
    if (grant.sid.startsWith(RECORDING_SID)) return refusal('HLS_NOT_ALLOWED', 'recording');
    if (grant.exp + GRANT_AGE_MAX_SEC < nowSec) return refusal('HLS_PATH_EXPIRED');
    const epoch = epochOfSid(grant.sid);
    if (epoch !== undefined && epoch < (await this.#freeEpochs.current(grant.streamId))) {
      return refusal('HLS_NOT_ALLOWED', 'not_free_any_more');
    }
    const watch = await this.#guard.mayWatch(grant.sid);
    if (watch.ok) return { ok: true, grant };
    if (watch.reason === 'gate_unavailable') return refusal('HLS_UNDECIDED');
    return refusal('HLS_NOT_ALLOWED', watch.reason);
  }

  /**
   * Only paths made for this recording, by whoever knows who may see it. A player asks for parts of
   * the file for as long as it plays, so the path is good for hours.
   */
  forRecording(path: SignedPath, id: string): Access {
    const nowSec = this.#nowSec();
    const verdict = verifyHlsPath(path, this.#secret, nowSec);
    if (!verdict.ok && verdict.reason !== 'expired') return refusal('HLS_PATH_FORGED');
    const { grant } = verdict;
    if (grant.sid !== recordingSid(id)) return refusal('HLS_NOT_ALLOWED', 'other_recording');
    if (grant.exp + GRANT_AGE_MAX_SEC < nowSec) return refusal('HLS_PATH_EXPIRED');
    return { ok: true, grant };
  }

  forSegment(path: SignedPath): Access {
    const access = this.forPicture(path);
    if (!access.ok) return access;
    const { sid } = access.grant;
    if (sid === PREVIEW_SID) return refusal('HLS_NOT_ALLOWED', 'preview');
    return sid.startsWith(RECORDING_SID) ? refusal('HLS_NOT_ALLOWED', 'recording') : access;
  }

  /** Keys are given like segments, and only while the session may watch. */
  async forKey(path: SignedPath): Promise<Access> {
    const access = this.forSegment(path);
    return access.ok ? this.forPlaylist(path) : access;
  }

  forPicture(path: SignedPath): Access {
    const verdict = verifyHlsPath(path, this.#secret, this.#nowSec());
    if (!verdict.ok) {
      return refusal(verdict.reason === 'expired' ? 'HLS_PATH_EXPIRED' : 'HLS_PATH_FORGED');
    }
    const reason = this.#guard.cutReason(verdict.grant.sid);
    return reason === undefined ? verdict : refusal('HLS_NOT_ALLOWED', reason);
  }

  /** `<exp>.<sid>.<mac>` that is good for another 60–90 s. */
  freshPrefix({ streamId, sid }: HlsGrant): string {
    const exp = Math.ceil((this.#nowSec() + FRESH_MIN_SEC) / FRESH_STEP_SEC) * FRESH_STEP_SEC;
    return signHlsPath({ streamId, sid, exp }, this.#secret).split('/')[2] ?? '';
  }

  #nowSec(): number {
    return Math.floor(this.#clock.nowMs() / 1_000);
  }
}

function refusal(code: keyof typeof hlsErrors, reason?: string): Access {
  return { ok: false, error: hlsError(code, reason === undefined ? {} : { reason }) };
}
