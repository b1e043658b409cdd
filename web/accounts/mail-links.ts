// Single-use links by mail: made, counted and used up. Used by activation and password reset.
// Invariant: a link works once, for its purpose, until it expires; only its hash is stored.
import { createHash } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import { MailLinkEntity, type LinkPurpose, type MailLink } from '../db/entities/mail-link.js';
import { siteError } from '../errors.js';
import { randomId } from './random-id.js';

const TTL_MS: Readonly<Record<LinkPurpose, number>> = {
  activate: 14 * 86_400_000,
  reset: 2 * 86_400_000,
};

/** @returns the clear token, for the mail alone. */
export async function makeLink(
  manager: EntityManager,
  { userId, purpose, now }: { userId: string; purpose: LinkPurpose; now: Date },
): Promise<string> {
  const token = randomId();
  await manager.getRepository(MailLinkEntity).insert({
    tokenHash: hashOf(token),
    userId,
    purpose,
    createdAt: now,
    expiresAt: new Date(now.getTime() + TTL_MS[purpose]),
    usedAt: null,
  });
  return token;
}

/**
 * Uses the link up. @throws LINK_INVALID when it is unknown, used, expired or for another purpose.
 */
export async function takeLink(
  manager: EntityManager,
  { token, purpose, now }: { token: string; purpose: LinkPurpose; now: Date },
): Promise<MailLink> {
  const links = manager.getRepository(MailLinkEntity);
  const where = { tokenHash: hashOf(token) };
  const link = await links.findOne({ where, lock: { mode: 'pessimistic_write' } });
  const isGood = link?.purpose === purpose && link.usedAt === null && link.expiresAt > now;
  if (link === null || !isGood) throw siteError('LINK_INVALID');
  await links.update(where, { usedAt: now });
  return link;
}

/** When the newest link of that purpose was made; undefined when there is none. */
export async function lastLinkAt(
  manager: EntityManager,
  { userId, purpose }: { userId: string; purpose: LinkPurpose },
): Promise<Date | undefined> {
  const link = await manager
    .getRepository(MailLinkEntity)
    .findOne({ where: { userId, purpose }, order: { createdAt: 'DESC' } });
  return link?.createdAt;
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
