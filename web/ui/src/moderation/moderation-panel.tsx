// The moderators' panel beside the chat: messages that wait, modes, word list, people, record.
import { useEffect, useState } from 'react';
import {
  addModerator,
  fetchActs,
  fetchModeration,
  fetchModerators,
  moderate,
  removeModerator,
} from '../api/moderation.js';
import type { ChatSettings, Held, ModerationDesk } from '../api/moderation.js';
import { toProblem } from '../api/problem.js';
import { formatTime } from '../format/clock.js';
import { newMid } from '../realtime/realtime.js';
import { useLoad } from '../state/use-load.js';
import { Button, IconButton } from '../ui/button.js';
import { Field, TextField } from '../ui/field.js';
import { TrashIcon } from '../ui/icons.js';
import { Notice } from '../ui/notice.js';
import { Select } from '../ui/select.js';
import { BanList } from './ban-list.js';

interface PanelProps {
  slug: string;
  /** Grows when the queue of held messages has changed. */
  queueMoves: number;
}

const refreshEveryMs = 5000;

type Acting = (request: Promise<unknown>) => void;

function Queue({ slug, held, act }: { slug: string; held: readonly Held[]; act: Acting }) {
  const decide = (one: Held, action: 'approve' | 'deny') => (): void =>
    act(moderate(slug, { key: newMid(), action, held: one.held }));
  return (
    <section aria-label="Messages that wait" data-testid="held-queue">
      <h3>Waiting {held.length > 0 ? <span className="number">{held.length}</span> : null}</h3>
      {held.length === 0 ? <p className="muted">No message waits.</p> : null}
      <ul className="held-list">
        {held.map((one) => (
          <li key={one.held}>
            <p>
              <strong>{one.from.name}</strong> {one.text}{' '}
              <span className="muted">({one.reason})</span>
            </p>
            <div className="row">
              <Button size="small" look="primary" onClick={decide(one, 'approve')}>
                Show it
              </Button>
              <Button size="small" onClick={decide(one, 'deny')}>
                Turn down
              </Button>
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}

const slowSteps = ['0', '3', '5', '10', '30', '60', '120'] as const;
const reviews = [
  ['off', 'None'],
  ['words', 'With a listed word'],
  ['links', 'With a link'],
  ['all', 'All'],
] as const;
const switches = [
  ['lock', 'Chat closed for viewers'],
  ['links', 'No links'],
  ['emote', 'Emotes only'],
] as const;

interface ModesProps {
  settings: ChatSettings;
  set: (change: Partial<ChatSettings>) => void;
}

function Modes({ settings, set }: ModesProps) {
  const slow = String(settings.slow);
  const steps = slowSteps.some((one) => one === slow) ? [...slowSteps] : [...slowSteps, slow];
  return (
    <section className="stack" aria-label="Modes of the chat">
      <h3>Modes</h3>
      <Select
        label="Slow mode"
        value={slow}
        testId="slow-mode"
        options={steps.map((sec) => [sec, sec === '0' ? 'Off' : `${sec} s between messages`])}
        onChange={(sec) => set({ slow: Number(sec) })}
      />
      <Select
        label="Messages that wait for a moderator"
        value={settings.review}
        testId="review-mode"
        options={reviews}
        onChange={(review) => set({ review })}
      />
      {switches.map(([name, words]) => (
        <label key={name} className="check">
          <input
            type="checkbox"
            checked={settings[name]}
            onChange={(event) => set({ [name]: event.target.checked })}
          />
          {words}
        </label>
      ))}
      <label className="check">
        <input
          type="checkbox"
          checked={settings.only.includes('followers')}
          onChange={(event) => set({ only: event.target.checked ? ['followers'] : [] })}
        />
        Followers only
      </label>
    </section>
  );
}

function Words({ settings, set }: ModesProps) {
  const known = settings.words.join('\n');
  const [text, setText] = useState(known);
  const words = text
    .split('\n')
    .map((word) => word.trim())
    .filter((word) => word !== '');
  return (
    <section className="stack" aria-label="Word list">
      <TextField
        label="Word list"
        rows={3}
        value={text}
        hint="One word a line; messages with one are refused, or wait if you review them."
        onChange={(event) => setText(event.target.value)}
      />
      <div>
        <Button size="small" disabled={words.join('\n') === known} onClick={() => set({ words })}>
          Save words
        </Button>
      </div>
    </section>
  );
}

interface ModeratorsProps {
  slug: string;
  act: Acting;
  acts: number;
  /** The model and admins appoint; moderators see the list. */
  mayChange: boolean;
}

function Moderators({ slug, act, acts, mayChange }: ModeratorsProps) {
  const { data } = useLoad(() => fetchModerators(slug), [slug, acts]);
  return (
    <section className="stack" aria-label="Moderators">
      <h3>Moderators</h3>
      <ul>
        {(data?.moderators ?? []).map((one) => (
          <li key={one.id} className="row">
            {one.username}
            {mayChange ? (
              <IconButton
                label={`${one.username} is no moderator any more`}
                onClick={() => act(removeModerator(slug, one.id))}
              >
                <TrashIcon />
              </IconButton>
            ) : null}
          </li>
        ))}
      </ul>
      {data?.moderators.length === 0 ? <p className="muted">The room has none.</p> : null}
      {mayChange ? <Appoint slug={slug} act={act} /> : null}
    </section>
  );
}

function Appoint({ slug, act }: { slug: string; act: Acting }) {
  const [name, setName] = useState('');
  return (
    <>
      <Field
        label="Add by name"
        value={name}
        autoCapitalize="none"
        onChange={(event) => setName(event.target.value)}
      />
      <div>
        <Button
          size="small"
          disabled={name.trim() === ''}
          onClick={() => {
            act(addModerator(slug, name.trim()));
            setName('');
          }}
        >
          Make moderator
        </Button>
      </div>
    </>
  );
}

/** Acts that an act named `un…` lifts. */
const restrictions: ReadonlySet<string> = new Set(['ban', 'mute', 'shadow']);

function Record({ slug, act, acts }: { slug: string; act: Acting; acts: number }) {
  const { data } = useLoad(() => fetchActs(slug), [slug, acts]);
  const lift = (action: string, user: string) => (): void =>
    act(moderate(slug, { key: newMid(), action, user }));
  return (
    <section aria-label="Record of acts">
      <h3>Record</h3>
      <ul className="held-list" data-testid="mod-record">
        {(data?.records ?? []).slice(0, 30).map((one) => (
          <li key={one.id}>
            <p>
              <span className="muted number">{formatTime(one.at)}</span>{' '}
              <strong>{one.byName}</strong> {one.action}
              {one.user === undefined ? '' : ` ${one.user}`}
              {one.reason === undefined ? '' : `: ${one.reason}`}
            </p>
            {restrictions.has(one.action) && one.user !== undefined ? (
              <Button size="small" onClick={lift(`un${one.action}`, one.user)}>
                Lift
              </Button>
            ) : null}
          </li>
        ))}
      </ul>
    </section>
  );
}

/** The chat that history still holds, to take home. */
function ChatLogLinks({ slug }: { slug: string }) {
  const address = `/api/v1/rooms/${encodeURIComponent(slug)}/chat-log`;
  return (
    <p className="row">
      <a href={`${address}.txt`} download={`${slug}-chat.txt`} data-testid="chat-log-text">
        Chat log as text
      </a>
      <a href={address} download={`${slug}-chat.json`} data-testid="chat-log-json">
        as JSON
      </a>
    </p>
  );
}

function Parts({ desk, slug, act, acts }: PartsProps) {
  const set = (settings: Partial<ChatSettings>): void =>
    act(moderate(slug, { key: newMid(), action: 'settings', settings }));
  const { settings, held, role } = desk;
  return (
    <>
      <Queue slug={slug} held={held} act={act} />
      <Modes settings={settings} set={set} />
      <Words key={settings.words.join()} settings={settings} set={set} />
      <BanList slug={slug} act={act} acts={acts} />
      <Moderators slug={slug} act={act} acts={acts} mayChange={role !== 'moderator'} />
      <div className="row">
        <Button
          size="small"
          onClick={() => act(moderate(slug, { key: newMid(), action: 'unpin' }))}
        >
          Take the pin off
        </Button>
        <Button
          size="small"
          look="danger"
          onClick={() => act(moderate(slug, { key: newMid(), action: 'clear-room' }))}
        >
          Clear the chat
        </Button>
      </div>
      <ChatLogLinks slug={slug} />
      <Record slug={slug} act={act} acts={acts} />
    </>
  );
}

interface PartsProps {
  desk: ModerationDesk;
  slug: string;
  act: Acting;
  acts: number;
}

export function ModerationPanel({ slug, queueMoves }: PanelProps) {
  const [acts, setActs] = useState(0);
  const [failure, setFailure] = useState<string>();
  const { data, problem, reload } = useLoad(() => fetchModeration(slug), [slug, acts, queueMoves]);
  useEffect(() => {
    const clock = window.setInterval(reload, refreshEveryMs);
    return () => window.clearInterval(clock);
  }, [reload]);
  const act: Acting = (request) => {
    setFailure(undefined);
    request
      .catch((error: unknown) => setFailure(toProblem(error).message))
      .finally(() => setActs((count) => count + 1));
  };
  return (
    <div
      className="moderation"
      data-testid="moderation"
      tabIndex={0}
      role="group"
      aria-label="Moderation"
    >
      {failure === undefined ? null : <Notice tone="error">{failure}</Notice>}
      {problem ? <Notice tone="error">{problem.message}</Notice> : null}
      {data ? <Parts desk={data} slug={slug} act={act} acts={acts} /> : null}
    </div>
  );
}
