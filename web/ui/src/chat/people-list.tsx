// Who is in the room, by what they may do. Read when it is opened and again, at most every two
// seconds, while people come and go.
import { useEffect, useRef, useState } from 'react';
import type { ReactNode } from 'react';
import { fetchAvatars } from '../api/avatar.js';
import { fetchPresence } from '../realtime/realtime.js';
import type { Presence } from '../realtime/realtime.js';
import { Avatar } from '../ui/avatar.js';
import { Button } from '../ui/button.js';
import type { Chat } from './chat.js';

const refreshMs = 2000;

const groups: { title: string; levels: string[] }[] = [
  { title: 'On stage', levels: ['performer'] },
  { title: 'Moderators', levels: ['moderator', 'admin'] },
  { title: 'Audience', levels: ['participant', 'view'] },
];

interface PeopleListProps {
  chat: Chat;
  channel: string;
  onMention: ((name: string) => void) | undefined;
  /** Stands above the people, for example who has tipped most. */
  children?: ReactNode;
}

/** Pictures of the people, each asked for once while the list is open; without them, initials. */
function useAvatars(people: Presence | undefined): ReadonlyMap<string, string> {
  const [urls, setUrls] = useState<ReadonlyMap<string, string>>(new Map());
  const asked = useRef(new Set<string>());
  useEffect(() => {
    const fresh = (people?.users ?? []).map(({ id }) => id).filter((id) => !asked.current.has(id));
    if (fresh.length === 0) return;
    for (const id of fresh) asked.current.add(id);
    fetchAvatars(fresh.slice(0, 100))
      .then((found) => setUrls((now) => new Map([...now, ...found])))
      .catch(() => {
        for (const id of fresh) asked.current.delete(id);
      });
  }, [people]);
  return urls;
}

function usePeople(chat: Chat, channel: string) {
  const [people, setPeople] = useState<Presence>();
  const [hasFailed, setFailed] = useState(false);
  const [asked, ask] = useState(0);
  useEffect(() => {
    let isLeft = false;
    let timer: number | undefined;
    const load = (): void => {
      timer = undefined;
      fetchPresence(channel)
        .then((answer) => {
          if (isLeft) return;
          setPeople(answer);
          setFailed(false);
        })
        .catch(() => {
          if (!isLeft) setFailed(true);
        });
    };
    load();
    const unsubscribe = chat.moves.subscribe(() => {
      timer ??= window.setTimeout(load, refreshMs);
    });
    return () => {
      isLeft = true;
      unsubscribe();
      window.clearTimeout(timer);
    };
  }, [chat, channel, asked]);
  return { people, hasFailed, retry: () => ask((count) => count + 1) };
}

export function PeopleList({ chat, channel, onMention, children }: PeopleListProps) {
  const { people, hasFailed, retry } = usePeople(chat, channel);
  const avatars = useAvatars(people);
  if (!people) {
    return (
      <div className="people">
        {children}
        <div className="chat-closed muted">
          {hasFailed ? (
            <>
              <p>Who is here cannot be shown at the moment.</p>
              <Button size="small" onClick={retry}>
                Try again
              </Button>
            </>
          ) : (
            'Looking who is here…'
          )}
        </div>
      </div>
    );
  }
  const unnamed = people.count - people.users.length;
  return (
    <div className="people" data-testid="people" tabIndex={0} role="group" aria-label="People">
      {children}
      {groups.map(({ title, levels }) => {
        const users = people.users.filter((user) => levels.includes(user.level));
        if (users.length === 0) return null;
        return (
          <section key={title} aria-label={title}>
            <h3>
              {title} <span className="number">{users.length}</span>
            </h3>
            <ul>
              {users.map(({ id, name }) => (
                <li key={id}>
                  <Avatar url={avatars.get(id) ?? null} name={name} size="small" />
                  {onMention ? (
                    <button type="button" title={`Mention ${name}`} onClick={() => onMention(name)}>
                      {name}
                    </button>
                  ) : (
                    <span>{name}</span>
                  )}
                </li>
              ))}
            </ul>
          </section>
        );
      })}
      {unnamed > 0 ? (
        <p className="muted">
          and {unnamed} {unnamed === 1 ? 'other' : 'others'}
        </p>
      ) : null}
    </div>
  );
}
