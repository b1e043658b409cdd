// A model's profile: picture, words, when the next show is, what was on before.
import { useEffect } from 'react';
import { fetchProfile } from '../api/rooms.js';
import type { Profile } from '../api/rooms.js';
import { formatWhen } from '../format/clock.js';
import { Preview } from '../lobby/preview.js';
import { PriceBadge } from '../lobby/price-badge.js';
import { RoomTags } from '../lobby/tag-list.js';
import { Link } from '../router/link.js';
import { sessionStore } from '../session/session.js';
import { siteStore } from '../site/site.js';
import { FollowButton } from '../social/follow-button.js';
import { useLoad } from '../state/use-load.js';
import { useSelected, useStore } from '../state/use-store.js';
import { Avatar } from '../ui/avatar.js';
import { Blank, Loading } from '../ui/blank.js';
import { Button } from '../ui/button.js';
import { Recordings } from './recordings.js';
import { PastShows, Schedule } from './show-lists.js';
import '../styles/lobby.css';
import '../styles/profile.css';

function followersWords(count: number): string {
  return `${String(count)} ${count === 1 ? 'follower' : 'followers'}`;
}

function lastOnline({ room }: Profile): string {
  if (room.isLive) return 'On stage now';
  return room.lastLiveAt === null
    ? 'Never on stage yet'
    : `Last on stage ${formatWhen(room.lastLiveAt, Date.now())}`;
}

function Head({ profile }: { profile: Profile }) {
  const { room } = profile;
  const isMember = useSelected(sessionStore, (session) => session.state === 'member');
  return (
    <header className="profile-head">
      <Avatar url={room.model.avatarUrl} name={room.model.name} size="large" />
      <div className="profile-words">
        <h1 className="display">{room.model.name}</h1>
        <p className="muted">
          {lastOnline(profile)} · {followersWords(profile.followers)}
        </p>
        <RoomTags tags={room.tags} />
      </div>
      <div className="profile-actions">
        {isMember ? <FollowButton slug={room.slug} isWide /> : null}
        <Link className="button button-primary" href={`/r/${encodeURIComponent(room.slug)}`}>
          {room.isLive ? 'Enter the room' : 'Open the room'}
        </Link>
      </div>
    </header>
  );
}

function Stage({ profile: { room } }: { profile: Profile }) {
  return (
    <Link className="profile-stage" href={`/r/${encodeURIComponent(room.slug)}`}>
      <div className="card-picture">
        <Preview room={room} />
        <div className="card-badges">
          {room.isLive ? <span className="badge badge-live">LIVE</span> : null}
          <PriceBadge room={room} />
        </div>
      </div>
      <h2>{room.title}</h2>
      {room.topic === '' ? null : <p className="muted">{room.topic}</p>}
    </Link>
  );
}

export function ProfilePage({ slug }: { slug: string }) {
  const { data, problem, reload } = useLoad(() => fetchProfile(slug), [slug]);
  const { name } = useStore(siteStore);
  const who = useSelected(sessionStore, (session) => session.user?.id);
  const model = data?.room.model.name;
  useEffect(() => {
    if (model !== undefined) document.title = `${model} · ${name}`;
  }, [model, name]);
  if (data) {
    return (
      <main className="page profile" id="main" tabIndex={-1}>
        <Head profile={data} />
        <div className="profile-grid">
          <div className="stack">
            <Stage profile={data} />
            {data.bio === '' ? null : (
              <section>
                <h2>About</h2>
                <p className="profile-bio">{data.bio}</p>
              </section>
            )}
          </div>
          <div className="stack">
            <Schedule slots={data.schedule} timeZone={data.timeZone} />
            <Recordings slug={data.room.slug} who={who} />
            <PastShows shows={data.pastShows} />
          </div>
        </div>
      </main>
    );
  }
  if (!problem) return <Loading label="Opening the profile" />;
  if (problem.status === 404) {
    return (
      <Blank title="No such model">
        <p>Nobody is known under this address.</p>
        <Link className="button button-primary" href="/">
          See what is live
        </Link>
      </Blank>
    );
  }
  return (
    <Blank title="The profile cannot be shown">
      <p>{problem.message}</p>
      <Button look="primary" onClick={reload}>
        Try again
      </Button>
    </Blank>
  );
}
