// How an account becomes a model: it applies, an admin approves or declines, and approval opens a
// room. Used by the model and admin routes and by the demo data. Every decision is audited.
import type { EntityManager } from 'typeorm';
import type { Clock } from '../../cluster/index.js';
import { randomId } from '../accounts/random-id.js';
import { recordAudit, type Actor } from '../admin/audit.js';
import { duplicateKey, type Database } from '../db/database.js';
import {
  ModelProfileEntity,
  type ModelProfile,
  type ModelState,
} from '../db/entities/model-profile.js';
import { RoomEntity, type Room } from '../db/entities/room.js';
import { UserEntity, type User } from '../db/entities/user.js';
import { siteError } from '../errors.js';
import type { Billing } from '../ports.js';
import { newRoomOffer } from '../rooms/room-offer.js';
import { termsOf } from './room-terms.js';

export interface Application extends ModelProfile {
  readonly username: string;
}

export interface ApplicationService {
  find(userId: string): Promise<ModelProfile | undefined>;
  /** A declined applicant may apply again. @throws ALREADY_APPLIED */
  apply(user: User, form: { displayName: string; about: string }): Promise<ModelProfile>;
  /** New words about an approved model. @throws NOT_A_MODEL */
  describe(userId: string, words: { displayName?: string; about?: string }): Promise<ModelProfile>;
  /** Oldest first; `afterId` is the user id that the page before ended with. */
  list(state: ModelState, page: { limit: number; afterId?: string }): Promise<Application[]>;
  /** Opens the room. @throws APPLICATION_NOT_FOUND, ALREADY_DECIDED, BILLING_UNAVAILABLE */
  approve(userId: string, actor: Actor): Promise<Room>;
  /** @throws APPLICATION_NOT_FOUND, ALREADY_DECIDED */
  decline(userId: string, reason: string, actor: Actor): Promise<void>;
}

const LIST = `SELECT m.user_id AS userId, u.username, m.display_name AS displayName, m.about,
    m.state, m.reason, m.applied_at AS appliedAt, m.decided_at AS decidedAt, m.decided_by AS decidedBy
  FROM model_profile m JOIN user u ON u.id = m.user_id
  WHERE m.state = ? AND m.user_id > ? ORDER BY m.user_id LIMIT ?`;

export function createApplicationService(parts: {
  database: Database;
  billing: Billing;
  clock: Clock;
  /** Called after a profile has changed. */
  onChange: () => void;
}): ApplicationService {
  const { database, billing, clock, onChange } = parts;
  const profiles = () => database.repository(ModelProfileEntity);
  const now = (): Date => new Date(clock.nowMs());

  async function decide(
    manager: EntityManager,
    userId: string,
    decision: { state: 'approved' | 'declined'; reason: string | null; actor: Actor },
  ): Promise<ModelProfile> {
    const { state, reason, actor } = decision;
    const profile = await lockProfile(manager, userId);
    if (profile.state !== 'pending') throw siteError('ALREADY_DECIDED', { state: profile.state });
    await manager
      .getRepository(ModelProfileEntity)
      .update({ userId }, { state, reason, decidedAt: now(), decidedBy: actor.id });
    await recordAudit(manager, {
      actor,
      action: state === 'approved' ? 'model.approve' : 'model.decline',
      subjectType: 'model',
      subjectId: userId,
      detail: reason === null ? {} : { reason },
      createdAt: now(),
    });
    return profile;
  }

  async function openRoom(manager: EntityManager, profile: ModelProfile): Promise<Room> {
    const { userId: performerId, displayName } = profile;
    const rooms = manager.getRepository(RoomEntity);
    const existing = await rooms.findOneBy({ performerId });
    if (existing !== null) return existing;
    const user = await manager.getRepository(UserEntity).findOneByOrFail({ id: performerId });
    const row: Omit<Room, 'id'> = {
      performerId,
      slug: user.username.toLowerCase(),
      title: `${displayName}'s room`,
      topic: '',
      priceMilliPerMin: '0',
      streamId: randomId(),
      keyHash: null,
      keyMask: null,
      isArchived: false,
      isPrivate: false,
      allowAnons: true,
      anonsSeeChat: true,
      createdAt: now(),
      updatedAt: now(),
      lastLiveAt: null,
      recentAt: now(),
      hasPublicPast: true,
      ...newRoomOffer,
    };
    const inserted = await rooms.insert(row);
    return { ...row, id: String(inserted.identifiers[0]?.['id']) };
  }

  return {
    async find(userId) {
      return (await profiles().findOneBy({ userId })) ?? undefined;
    },

    async apply(user, { displayName, about }) {
      const row: ModelProfile = {
        userId: user.id,
        displayName,
        about,
        state: 'pending',
        reason: null,
        appliedAt: now(),
        decidedAt: null,
        decidedBy: null,
      };
      return database.transaction(async (manager) => {
        const before = await findLocked(manager, user.id);
        if (before !== undefined && before.state !== 'declined') {
          throw siteError('ALREADY_APPLIED', { state: before.state });
        }
        const repository = manager.getRepository(ModelProfileEntity);
        if (before !== undefined) await repository.update({ userId: user.id }, row);
        else await repository.insert(row).catch(refuseDuplicate);
        return row;
      });
    },

    async describe(userId, words) {
      await profiles().update({ userId, state: 'approved' }, words);
      const profile = await profiles().findOneBy({ userId, state: 'approved' });
      if (profile === null) throw siteError('NOT_A_MODEL');
      onChange();
      return profile;
    },

    list: (state, { limit, afterId = '0' }) =>
      database.rows<Application>(LIST, [state, afterId, limit]),

    approve: (userId, actor) =>
      database.transaction(async (manager) => {
        const decision = { state: 'approved', reason: null, actor } as const;
        const profile = await decide(manager, userId, decision);
        await manager.getRepository(UserEntity).update({ id: userId }, { isModel: true });
        const room = await openRoom(manager, profile);
        // Last: when billing is away the whole approval is undone and can be repeated.
        await billing.putRoom(termsOf(room));
        return room;
      }),

    async decline(userId, reason, actor) {
      await database.transaction((manager) =>
        decide(manager, userId, { state: 'declined', reason, actor }),
      );
    },
  };
}

async function findLocked(
  manager: EntityManager,
  userId: string,
): Promise<ModelProfile | undefined> {
  const profile = await manager
    .getRepository(ModelProfileEntity)
    .findOne({ where: { userId }, lock: { mode: 'pessimistic_write' } });
  return profile ?? undefined;
}

async function lockProfile(manager: EntityManager, userId: string): Promise<ModelProfile> {
  const profile = await findLocked(manager, userId);
  if (profile === undefined) throw siteError('APPLICATION_NOT_FOUND');
  return profile;
}

function refuseDuplicate(thrown: unknown): never {
  if (duplicateKey(thrown) === undefined) throw thrown;
  throw siteError('ALREADY_APPLIED', { state: 'pending' });
}
