// Flags of a room that the site sets: who may be in it at all, and who sees its chat. They rest
// beside the modes in Redis, so that the script that gives places obeys them too. Pure.

export interface RoomFlags {
  /** False = only those in charge may write. */
  readonly isOnline: boolean;
  /** True = only members, holders of a paid session, and those in charge may be there. */
  readonly isPrivate: boolean;
  readonly anonsMayEnter: boolean;
  /** False = anonymous visitors get values such as the viewer count, but no messages. */
  readonly anonsSeeChat: boolean;
}

/** Of a room for which nobody has said anything. */
export const openRoom: RoomFlags = {
  isOnline: true,
  isPrivate: false,
  anonsMayEnter: true,
  anonsSeeChat: true,
};

/** Fields of the settings hash; sequence-batch.lua reads `online` and `private`. */
const FIELDS: Readonly<Record<keyof RoomFlags, string>> = {
  isOnline: 'online',
  isPrivate: 'private',
  anonsMayEnter: 'anons',
  anonsSeeChat: 'anonchat',
};
const NAMES = ['isOnline', 'isPrivate', 'anonsMayEnter', 'anonsSeeChat'] as const;

/** In the order in which `readFlags` wants their values. */
export const flagFieldNames: readonly string[] = NAMES.map((name) => FIELDS[name]);

/** Pairs of field and value for what is given. */
export function flagFields(flags: Partial<RoomFlags>): string[] {
  return NAMES.flatMap((name) => {
    const value = flags[name];
    return value === undefined ? [] : [FIELDS[name], value ? '1' : '0'];
  });
}

/** From the whole settings hash. */
export function flagsOf(row: Readonly<Record<string, string>>): RoomFlags {
  return readFlags(flagFieldNames.map((field) => row[field]));
}

/** From the values of `flagFieldNames`. */
export function readFlags(values: readonly (string | null | undefined)[]): RoomFlags {
  const read = (at: number, name: keyof RoomFlags): boolean => {
    const value = values[at] ?? '';
    return value === '' ? openRoom[name] : value === '1';
  };
  return {
    isOnline: read(0, 'isOnline'),
    isPrivate: read(1, 'isPrivate'),
    anonsMayEnter: read(2, 'anonsMayEnter'),
    anonsSeeChat: read(3, 'anonsSeeChat'),
  };
}
