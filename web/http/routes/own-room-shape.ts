// A model's own room as the API shows it to its owner, and what the owner may change of it.
import Type from 'typebox';
import type { Room } from '../../db/entities/room.js';
import * as schema from '../schema.js';

const PrivateShow = Type.Object(
  {
    priceMilliPerMin: schema.PaidPriceMilli,
    minimumSec: Type.Integer({ minimum: 0, maximum: 3_600 }),
    graceSec: Type.Integer({ minimum: 0, maximum: 300 }),
  },
  { additionalProperties: false },
);

const Goal = Type.Object(
  { text: schema.Text(0, 100), targetMilli: schema.AmountMilli },
  { additionalProperties: false },
);

const ShowType = Type.Enum(['free', 'paid', 'ticket'], { 'x-hint': 'Use free, paid or ticket.' });

const ShowMaxSec = Type.Union([Type.Integer({ minimum: 60, maximum: 604_800 }), Type.Null()], {
  description: 'The longest show; null = as the site has it, which is never exceeded.',
  'x-hint': 'Use 60 to 604800 seconds, or null.',
});

const VisitMaxSec = Type.Union([Type.Integer({ minimum: 60, maximum: 86_400 }), Type.Null()], {
  description: 'The longest visit of one viewer to a show with a price or ticket; null = no limit.',
  'x-hint': 'Use 60 to 86400 seconds, or null.',
});

/** PATCH: what is absent stays; null takes a private offer or a goal away. */
export const RoomChangesShape = Type.Object(
  {
    title: Type.Optional(schema.Text(1, 80)),
    topic: Type.Optional(schema.Text(0, 200)),
    tags: Type.Optional(Type.Array(schema.Tag, { maxItems: 10 })),
    priceMilliPerMin: Type.Optional(schema.PriceMilli),
    showType: Type.Optional(ShowType),
    ticketMilli: Type.Optional(schema.PriceMilli),
    privateShow: Type.Optional(Type.Union([PrivateShow, Type.Null()])),
    tipMenu: Type.Optional(Type.Array(schema.TipMenuItem, { maxItems: 30 })),
    goal: Type.Optional(Type.Union([Goal, Type.Null()])),
    timeZone: Type.Optional(Type.String({ maxLength: 40 })),
    allowAnons: Type.Optional(Type.Boolean()),
    anonsSeeChat: Type.Optional(Type.Boolean()),
    showMaxSec: Type.Optional(ShowMaxSec),
    visitMaxSec: Type.Optional(VisitMaxSec),
  },
  { additionalProperties: false, minProperties: 1 },
);

export const OwnRoom = Type.Object({
  id: Type.String(),
  slug: Type.String(),
  title: Type.String(),
  topic: Type.String(),
  tags: Type.Array(Type.String()),
  pricePerMinMilli: schema.Milli,
  priceMilliPerMin: schema.Milli,
  showType: ShowType,
  ticketMilli: schema.Milli,
  privateShow: Type.Union([PrivateShow, Type.Null()]),
  privateViewerId: Type.Union([Type.String(), Type.Null()], {
    description: 'Whose private show is on; null = none.',
  }),
  tipMenu: Type.Array(schema.TipMenuItem),
  goal: Type.Union([Goal, Type.Null()]),
  timeZone: Type.String(),
  allowAnons: Type.Boolean(),
  anonsSeeChat: Type.Boolean(),
  showMaxSec: ShowMaxSec,
  visitMaxSec: VisitMaxSec,
  streamId: Type.String(),
});

export function describeOwnRoom(room: Room, tags: readonly string[]) {
  const { id, slug, title, topic, showType, ticketMilli, timeZone, streamId } = room;
  const { allowAnons, anonsSeeChat, privateViewerId, priceMilliPerMin } = room;
  const { showMaxSec, visitMaxSec } = room;
  return {
    ...{ id, slug, title, topic, showType, ticketMilli, timeZone, streamId },
    ...{ allowAnons, anonsSeeChat, privateViewerId, priceMilliPerMin, showMaxSec, visitMaxSec },
    pricePerMinMilli: priceMilliPerMin,
    tags: [...tags],
    tipMenu: [...(room.tipMenu ?? [])],
    goal: room.goalMilli === '0' ? null : { text: room.goalText, targetMilli: room.goalMilli },
    privateShow:
      room.privatePriceMilli === '0'
        ? null
        : {
            priceMilliPerMin: room.privatePriceMilli,
            minimumSec: room.privateMinimumSec,
            graceSec: room.privateGraceSec,
          },
  };
}
