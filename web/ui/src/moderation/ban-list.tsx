// Who is banned, muted or shadow muted in the room now: until when, why, by whom; lifting it. Only
// those who moderate get the list, so a shadow mute stays unknown to whom it is about.
import { fetchBans, moderate } from '../api/moderation.js';
import type { Ban } from '../api/moderation.js';
import { formatDate } from '../format/clock.js';
import { newMid } from '../realtime/realtime.js';
import { usePages } from '../state/use-pages.js';
import { Button } from '../ui/button.js';
import { PageList } from '../ui/page-list.js';

interface BanListProps {
  slug: string;
  act: (request: Promise<unknown>) => void;
  /** Grows with every act, so that the list is read again. */
  acts: number;
}

const kinds: Record<Ban['kind'], { is: string; lift: string }> = {
  ban: { is: 'Banned', lift: 'Unban' },
  mute: { is: 'Muted', lift: 'Unmute' },
  shadow: { is: 'Shadow muted', lift: 'Lift shadow mute' },
};

function wordsOf({ kind, untilMs, reason, by }: Ban): string {
  const until =
    untilMs === null ? 'for good' : `until ${formatDate(new Date(untilMs).toISOString())}`;
  const what = kinds[kind].is;
  const who = by === undefined ? '' : ` by ${by}`;
  return `${what} ${until}${who}${reason === undefined || reason === '' ? '' : `: ${reason}`}`;
}

export function BanList({ slug, act, acts }: BanListProps) {
  const pages = usePages(
    async (cursor) => {
      const { bans, next } = await fetchBans(slug, cursor);
      return { items: bans, next };
    },
    [slug, acts],
  );
  return (
    <section className="stack" aria-label="Bans" data-testid="ban-list">
      <h3>Bans and mutes</h3>
      <PageList
        pages={pages}
        empty="Nobody is banned or muted."
        row={(one) => (
          <li key={`${one.kind} ${one.user}`} className="ban" data-testid="ban-row">
            <p>
              <strong>{one.name ?? one.user}</strong> <span className="muted">{wordsOf(one)}</span>
            </p>
            <Button
              size="small"
              aria-label={`${kinds[one.kind].lift}: ${one.name ?? one.user}`}
              onClick={() =>
                act(moderate(slug, { key: newMid(), action: `un${one.kind}`, user: one.user }))
              }
            >
              {kinds[one.kind].lift}
            </Button>
          </li>
        )}
      />
    </section>
  );
}
