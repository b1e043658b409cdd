// An announced show as the API shows it.
import Type from 'typebox';
import type { ShowSlot } from '../../db/entities/show-slot.js';

export const Slot = Type.Object({
  id: Type.String(),
  startsAt: Type.String({ description: 'ISO 8601, UTC.' }),
  endsAt: Type.String(),
  title: Type.String(),
});

export function describeSlot({ id, startsAt, endsAt, title }: ShowSlot) {
  return { id, startsAt: startsAt.toISOString(), endsAt: endsAt.toISOString(), title };
}
