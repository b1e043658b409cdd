// What a conference plays where and when, after import: the one shape behind every source. Times
// are Unix ms; the zones say how they are shown.

export interface ProgrammeRoom {
  /** In addresses: small letters, digits and hyphens, made from the name. */
  readonly key: string;
  readonly name: string;
  /** IANA name. */
  readonly timeZone: string;
}

/** A day as people mean it: from early morning to early morning. */
export interface ProgrammeDay {
  /** `2026-12-27`, in the zone of the programme. */
  readonly date: string;
  readonly startMs: number;
  readonly endMs: number;
}

export interface Talk {
  /** The same from import to import as long as the source calls it the same. */
  readonly guid: string;
  /** Key of its room. */
  readonly room: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly title: string;
  readonly subtitle: string;
  readonly speakers: readonly string[];
  readonly abstract: string;
  readonly track: string;
  /** http(s); empty = none. */
  readonly url: string;
}

export interface Programme {
  readonly title: string;
  readonly timeZone: string;
  /** What the source calls this state of it; may be empty. */
  readonly version: string;
  readonly rooms: readonly ProgrammeRoom[];
  /** In order, at least one. */
  readonly days: readonly ProgrammeDay[];
  /** By start. */
  readonly talks: readonly Talk[];
}
