// Writes the audit record, inside the transaction of the deed that it records.
import type { EntityManager } from 'typeorm';
import { AuditEntity, type AuditEntry } from '../db/entities/audit.js';

/** Who acts, from where. */
export interface Actor {
  readonly id: string;
  readonly ip: string;
}

export async function recordAudit(
  manager: EntityManager,
  entry: Omit<AuditEntry, 'id' | 'actorId' | 'ip'> & { readonly actor: Actor },
): Promise<void> {
  const { actor, ...deed } = entry;
  const row = { ...deed, actorId: actor.id, ip: actor.ip.slice(0, 45) };
  await manager.getRepository(AuditEntity).insert(row);
}
