// Who is in the room, by what they may do. Read when it is opened and again, at most every two
// seconds, while people come and go.
import { useEffect, useState } from 'react';
import type { ReactNode } from 'react';
import { fetchPresence } from '../realtime/realtime.js';
import type { Presence } from '../realtime/realtime.js';
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
                  {onMention ? (
                    <button type="button" title={`Mention ${name}`} onClick={() => onMention(name)}>
                      {name}
                    </button>
                  ) : (
                    name
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
