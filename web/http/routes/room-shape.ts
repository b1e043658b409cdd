// A room as the API shows it to everybody: in lists, on its page and in its profile.
import Type from 'typebox';
import type { HlsSigner } from '../../rooms/hls-url.js';
import type { PublicRoom } from '../../rooms/room-catalog.js';
import * as schema from '../schema.js';

export const RoomShape = Type.Object({
  id: Type.String(),
  slug: Type.String(),
  title: Type.String(),
  topic: Type.String(),
  tags: Type.Array(Type.String()),
  model: Type.Object({
    id: Type.String(),
    name: Type.String(),
    about: Type.String(),
    avatarUrl: schema.AvatarUrl,
  }),
  isLive: Type.Boolean(),
  isPrivate: Type.Boolean({ description: 'For members only, or a private show is on.' }),
  showType: Type.Enum(['free', 'paid', 'ticket', 'private'], {
    description: 'What is on now; private = a private show, at its own price.',
  }),
  pricePerMinMilli: schema.Milli,
  ticketMilli: schema.Milli,
  privateShow: Type.Union(
    [
      Type.Object({
        priceMilliPerMin: schema.Milli,
        minimumSec: Type.Integer(),
        graceSec: Type.Integer(),
      }),
      Type.Null(),
    ],
    { description: 'Terms of a private show; null = not offered.' },
  ),
  goal: Type.Union([Type.Object({ text: Type.String(), targetMilli: schema.Milli }), Type.Null()]),
  viewers: Type.Integer(),
  startedAt: Type.Union([Type.String(), Type.Null()], { description: 'null = offline.' }),
  previewUrl: Type.Union([Type.String(), Type.Null()], {
    description: 'Newest picture (JPEG), good for five minutes; null = no signal.',
  }),
  lastLiveAt: Type.Union([Type.String(), Type.Null()]),
});

/** @param siteHost host under which the browser reached the site. */
export function describeRoom(room: PublicRoom, hls: HlsSigner, siteHost: string) {
  const { id, slug, title, topic, tags, model, stream, offer, goal } = room;
  return {
    ...{ id, slug, title, topic, tags },
    model: {
      id: model.id,
      name: model.name,
      about: model.about,
      avatarUrl: schema.avatarUrl(model.avatarId),
    },
    isLive: stream !== undefined,
    isPrivate: room.isPrivate,
    showType: offer.kind,
    pricePerMinMilli: offer.priceMilliPerMin,
    ticketMilli: offer.ticketMilli,
    privateShow: room.privateOffer ?? null,
    goal: goal ?? null,
    viewers: stream?.viewers ?? 0,
    startedAt: stream === undefined ? null : new Date(stream.startedAtMs).toISOString(),
    previewUrl: (stream === undefined ? undefined : hls.preview(stream, siteHost)) ?? null,
    lastLiveAt: room.lastLiveAt,
  };
}
