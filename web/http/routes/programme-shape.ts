// The programme as the API shows it: rooms with what they are on this site, slots with the times of
// their room.
import Type from 'typebox';
import type { LiveState } from '../../live/live-state.js';
import type { ProgrammeRoom } from '../../programme/programme.js';
import type { RoomOptions, Snapshot } from '../../programme/programme-store.js';
import { nowNext, type TimelineSlot } from '../../programme/timeline.js';
import { isoIn } from '../../programme/zone.js';

const Time = Type.Union([Type.String(), Type.Null()], {
  description: 'ISO 8601 in the zone of the room; null = since or for ever.',
});

export const ProgrammeRoomShape = Type.Object({
  key: Type.String(),
  title: Type.String(),
  timeZone: Type.String(),
  logoUrl: Type.String({ description: 'Empty = none.' }),
  slug: Type.Union([Type.String(), Type.Null()], { description: 'Its room on this site.' }),
  playerUrl: Type.Union([Type.String(), Type.Null()], {
    description: 'Player of another site, for a frame; null = our own.',
  }),
  hasChat: Type.Boolean(),
  isActive: Type.Boolean({ description: 'On the air here, or played by another site.' }),
});

export const TalkFields = {
  title: Type.String(),
  guid: Type.String(),
  startsAt: Time,
  endsAt: Time,
  subtitle: Type.String(),
  speakers: Type.Array(Type.String()),
  abstract: Type.String(),
  track: Type.String(),
  url: Type.String(),
};

const SlotShape = Type.Object({
  kind: Type.Enum(['talk', 'break', 'before', 'not-started', 'finished', 'nothing', 'after']),
  ...TalkFields,
});

export const NowNextShape = Type.Object({
  room: ProgrammeRoomShape,
  generatedAt: Type.String(),
  now: SlotShape,
  next: Type.Union([SlotShape, Type.Null()]),
  nextTalk: Type.Union([SlotShape, Type.Null()]),
});

export function describeProgrammeRoom(
  { key, name, timeZone }: ProgrammeRoom,
  options: RoomOptions | undefined,
  live: LiveState,
) {
  const playerUrl = options === undefined ? null : playerAddress(options);
  const streamId = options?.streamId ?? null;
  const isOnAir = streamId !== null && live.find(streamId) !== undefined;
  return {
    ...{ key, timeZone, playerUrl },
    title: options?.title === undefined || options.title === '' ? name : options.title,
    logoUrl: options?.logoUrl ?? '',
    slug: options?.slug ?? null,
    hasChat: options?.hasChat ?? true,
    isActive: playerUrl !== null || isOnAir,
  };
}

function playerAddress({ playerKind, playerRef }: RoomOptions): string | null {
  switch (playerKind) {
    case 'none':
      return null;
    case 'youtube':
      return `https://www.youtube-nocookie.com/embed/${playerRef}`;
    case 'vimeo':
      return `https://player.vimeo.com/video/${playerRef}`;
    case 'frame':
      return playerRef;
  }
}

/** @returns undefined when the programme has no such room. */
export function describeNowNext(
  snapshot: Snapshot,
  key: string,
  { live, nowMs }: { live: LiveState; nowMs: number },
) {
  const room = snapshot.programme.rooms.find((one) => one.key === key);
  const slots = snapshot.timelines.get(key);
  if (room === undefined || slots === undefined) return undefined;
  const { now, next, nextTalk } = nowNext(slots, nowMs);
  const { timeZone } = room;
  const describe = (slot: TimelineSlot | null) =>
    slot === null ? null : describeSlot(slot, timeZone);
  return {
    room: describeProgrammeRoom(room, snapshot.options.get(key), live),
    generatedAt: isoIn(nowMs, timeZone),
    now: describeSlot(now, timeZone),
    next: describe(next),
    nextTalk: describe(nextTalk),
  };
}

function describeSlot({ kind, guid, title, startMs, endMs, talk }: TimelineSlot, zone: string) {
  return {
    ...{ kind, guid, title },
    // Of a talk the times that were announced, whatever overlaps it.
    startsAt: timeOf(talk?.startMs ?? startMs, zone),
    endsAt: timeOf(talk?.endMs ?? endMs, zone),
    subtitle: talk?.subtitle ?? '',
    speakers: [...(talk?.speakers ?? [])],
    abstract: talk?.abstract ?? '',
    track: talk?.track ?? '',
    url: talk?.url ?? '',
  };
}

function timeOf(atMs: number | null, zone: string): string | null {
  return atMs === null ? null : isoIn(atMs, zone);
}
