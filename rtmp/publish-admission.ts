// What a node asks before it lets an accepted publish begin: has it room for another broadcast, and
// would viewers be offered it? Joined by rtmp/main.ts, asked by publish-role.ts.
import type { MayBegin } from './session-context.js';

export interface AdmissionParts {
  readonly overload: { readonly level: number };
  readonly shows: {
    find(streamId: string): { readonly isLive: boolean } | undefined;
    /** Why viewers would not be offered the publish. Never rejects. */
    obstacleTo(streamId: string): Promise<string | undefined>;
  };
}

export function publishAdmission({ overload, shows }: AdmissionParts): MayBegin {
  return async (streamId, isNew) => {
    // Whoever comes back to a show is no new publisher.
    const isFull = isNew && overload.level >= 2 && shows.find(streamId)?.isLive !== true;
    if (isFull) return { code: 'RTMP_OVERLOADED' };
    const reason = await shows.obstacleTo(streamId);
    return reason === undefined ? undefined : { code: 'RTMP_LANGUAGE_REFUSED', reason };
  };
}
