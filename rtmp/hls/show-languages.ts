// The further languages of one show: a timeline for each, on the same clock and with the same
// discontinuity numbers as the pictures. Owned by Show; pure.
// Invariants: names never change; a language that was listed once keeps its playlist until the show
// is over, whether or not somebody speaks.
import { languageName } from '../language.js';
import type { DvrPast } from './dvr-log.js';
import {
  type NewSegment,
  pastFrom,
  type Segment,
  Timeline,
  type TimelineOptions,
} from './timeline.js';

export interface LanguageState {
  readonly tag: string;
  readonly channels: number;
  readonly isOffered: boolean;
  readonly nextSequence: number;
  /** First number of the DVR playlist. */
  readonly dvrFrom?: number;
  readonly listed: readonly Segment[];
}

/** A line of the master playlist. */
export interface SoundTrack {
  /** Of its playlist. */
  readonly name: string;
  readonly tag: string;
  readonly label: string;
  readonly channels: number;
}

interface Language {
  readonly tag: string;
  readonly timeline: Timeline;
  channels: number;
  isOffered: boolean;
}

export class ShowLanguages {
  readonly #options: TimelineOptions;
  readonly #byName = new Map<string, Language>();

  constructor(
    options: TimelineOptions,
    states: readonly LanguageState[] = [],
    past: DvrPast = new Map(),
  ) {
    this.#options = options;
    for (const { tag, channels, isOffered, nextSequence, dvrFrom, listed } of states) {
      const name = languageFolder(tag);
      const firstSequence = Math.max(options.firstSequence, nextSequence);
      const before = pastFrom(past.get(name), dvrFrom);
      const timeline = new Timeline({ ...options, firstSequence }, listed, before);
      this.#byName.set(name, { tag, channels, isOffered, timeline });
    }
  }

  /** In the master playlist: somebody speaks, or did a moment ago. */
  offer(tag: string, isOffered: boolean): void {
    const language = this.#byName.get(languageFolder(tag));
    if (language !== undefined) language.isOffered = isOffered;
  }

  /** @returns segments whose files may be removed now */
  append(tag: string, channels: number, segment: NewSegment): readonly Segment[] {
    const name = languageFolder(tag);
    const known = this.#byName.get(name);
    const language = known ?? {
      ...{ tag, channels, isOffered: true },
      timeline: new Timeline(this.#options),
    };
    if (known === undefined) this.#byName.set(name, language);
    language.channels = channels;
    return language.timeline.append(segment);
  }

  /** Of all that were ever listed. */
  get tags(): readonly string[] {
    return [...this.#byName.values()].map(({ tag }) => tag);
  }

  get offered(): readonly SoundTrack[] {
    return [...this.#byName].flatMap(([name, { tag, channels, isOffered, timeline }]) => {
      const isThere = isOffered && timeline.listed.length > 0;
      return isThere ? [{ name, tag, channels, label: languageName(tag) }] : [];
    });
  }

  /** Their timelines by name of the playlist. */
  get tracks(): readonly (readonly [string, Timeline])[] {
    return [...this.#byName].map(([name, { timeline }]) => [name, timeline] as const);
  }

  timeline(name: string): Timeline | undefined {
    return this.#byName.get(name)?.timeline;
  }

  has(run: string, folder: string, file: string): boolean {
    return this.#byName.get(folder)?.timeline.has(run, folder, file) === true;
  }

  /** Absent where there is none. */
  get states(): { readonly languages?: readonly LanguageState[] } {
    const languages = [...this.#byName.values()].map(({ tag, channels, isOffered, timeline }) => {
      const { nextSequence, dvrFrom, listed } = timeline;
      return { tag, channels, isOffered, nextSequence, dvrFrom, listed };
    });
    return languages.length === 0 ? {} : { languages };
  }
}

/** Name of a language's playlist, and of its folder in each run. */
export function languageFolder(tag: string): string {
  return `sound-${tag.toLowerCase()}`;
}
