// RSS 2.0 (Advisory Board, version 2.0.11) of what is on in rooms now and next. Used by the
// programme routes.
import type { TimelineSlot } from './timeline.js';
import { rfc822In, timeIn } from './zone.js';

export interface FeedRoom {
  readonly name: string;
  readonly timeZone: string;
  /** Absolute address of its page. */
  readonly link: string;
  readonly now: TimelineSlot;
  readonly next: TimelineSlot | null;
}

export interface Feed {
  readonly title: string;
  readonly link: string;
  /** Address of the feed itself. */
  readonly self: string;
  readonly builtMs: number;
  readonly timeZone: string;
  readonly rooms: readonly FeedRoom[];
}

export function renderFeed(feed: Feed): string {
  const items = feed.rooms.flatMap((room) => [
    item(room, 'Now', room.now),
    ...(room.next === null ? [] : [item(room, 'Next', room.next)]),
  ]);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom">',
    '<channel>',
    element('title', feed.title),
    element('link', feed.link),
    element('description', `What is on now and next: ${feed.title}`),
    element('lastBuildDate', rfc822In(feed.builtMs, feed.timeZone)),
    element('ttl', '1'),
    `<atom:link href="${escape(feed.self)}" rel="self" type="application/rss+xml"/>`,
    ...items,
    '</channel>',
    '</rss>',
    '',
  ].join('\n');
}

function item(room: FeedRoom, when: 'Now' | 'Next', slot: TimelineSlot): string {
  const { talk, startMs } = slot;
  const link = talk === undefined || talk.url === '' ? room.link : talk.url;
  return [
    '<item>',
    element('title', `${when}: ${slot.title}`),
    element('link', link),
    // Readers take a description for HTML: what is text must be escaped for that as well.
    element('description', escape(describe(room, slot))),
    element('category', room.name),
    ...(startMs === null ? [] : [element('pubDate', rfc822In(startMs, room.timeZone))]),
    `<guid isPermaLink="false">${escape(slot.guid)}</guid>`,
    '</item>',
  ].join('\n');
}

function describe({ name, timeZone }: FeedRoom, { startMs, endMs, talk }: TimelineSlot): string {
  const from = startMs === null ? '' : timeIn(startMs, timeZone);
  const to = endMs === null ? '' : timeIn(endMs, timeZone);
  const when = [from, to].filter((one) => one !== '').join('–');
  const words = [
    `${name}${when === '' ? '' : `, ${when} (${timeZone})`}`,
    talk?.subtitle ?? '',
    talk?.speakers.join(', ') ?? '',
    talk?.abstract ?? '',
  ];
  return words.filter((one) => one !== '').join('. ');
}

function element(name: string, text: string): string {
  return `<${name}>${escape(text)}</${name}>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Characters that XML 1.0 does not have are left out. */
function escape(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '')
    .replace(/[&<>"']/g, (one) => ENTITIES[one] ?? '');
}
