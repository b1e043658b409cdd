// Further languages of a stream: a publisher that adds `?lang=de` to the stream key brings the
// sound of one more language for the same stream. Used by ingest, which names such a publish
// `<stream>~<language>`, and by the packager, which puts the sound beside the stream's own.

/** Comes from `?lang=` and `?clock=` of a publish. */
export interface LanguageOrder {
  /** BCP 47, such as `de` or `pt-BR`. */
  readonly tag: string;
  /** The timestamps are those of the stream's own publisher: one encoder makes both. */
  readonly isSameClock: boolean;
}

/** Primary language with at most a script and a region. */
const TAG = /^[a-z]{2,3}(-[A-Za-z]{4})?(-[A-Za-z]{2}|-\d{3})?$/;
const MARK = '~';

/** Undefined where the publish is the stream's own; `wrong` for a tag that is none. */
export function languageOf(args: string): LanguageOrder | 'wrong' | undefined {
  const query = new URLSearchParams(args);
  const tag = query.get('lang');
  if (tag === null) return undefined;
  if (!TAG.test(tag)) return 'wrong';
  return { tag, isSameClock: query.get('clock') === 'stream' };
}

/** The id under which a language of a stream is published; no player can ask for it. */
export function languageStreamId(streamId: string, tag: string): string {
  return `${streamId}${MARK}${tag}`;
}

/** The stream and, for a language, its tag. */
export function splitStreamId(id: string): {
  readonly streamId: string;
  readonly tag: string | undefined;
} {
  const [streamId = '', tag] = id.split(MARK);
  return { streamId, tag };
}

/** What its speakers call a language, for menus. */
export function languageName(tag: string): string {
  const name = new Intl.DisplayNames([tag], { type: 'language' }).of(tag) ?? tag;
  return name.replace(/["\r\n]/g, '');
}
