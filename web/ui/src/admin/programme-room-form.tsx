// What one room of the programme is on this site: the room it leads to, its name and logo, the
// player of another site, and whether its page has a chat.
import { useState } from 'react';
import type { SubmitEvent } from 'react';
import { setProgrammeRoom } from '../api/programme.js';
import type { PlayerKind, RoomOptions } from '../api/programme.js';
import { toProblem } from '../api/problem.js';
import type { Problem } from '../api/problem.js';
import { Button } from '../ui/button.js';
import { Field } from '../ui/field.js';
import { Notice } from '../ui/notice.js';
import { Select } from '../ui/select.js';

const kinds: readonly (readonly [PlayerKind, string])[] = [
  ['none', 'Our own'],
  ['youtube', 'YouTube'],
  ['vimeo', 'Vimeo'],
  ['frame', 'Another site'],
];

const refs: Record<PlayerKind, { label: string; hint: string }> = {
  none: { label: '', hint: '' },
  youtube: { label: 'Video id', hint: 'The eleven characters after v= in its address.' },
  vimeo: { label: 'Video number', hint: 'The number in its address.' },
  frame: { label: 'Address of the player', hint: 'https, of a site in WEB_EMBED_ORIGINS.' },
};

interface FormProps {
  room: RoomOptions & { key: string; name: string };
  onSaved: () => void;
}

export function ProgrammeRoomForm({ room, onSaved }: FormProps) {
  const { key, name, ...stored } = room;
  const [options, setOptions] = useState<RoomOptions>(stored);
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const set = (change: Partial<RoomOptions>): void => setOptions({ ...options, ...change });
  const { kind, ref } = options.player;
  const isSame = JSON.stringify(options) === JSON.stringify(stored);
  const save = (event: SubmitEvent): void => {
    event.preventDefault();
    setBusy(true);
    setProblem(undefined);
    setProgrammeRoom(key, options)
      .then(onSaved)
      .catch((thrown: unknown) => setProblem(toProblem(thrown)))
      .finally(() => setBusy(false));
  };
  return (
    <form className="panel stack" onSubmit={save} aria-label={name} data-testid="programme-room">
      <h2>{name}</h2>
      <div className="field-pair">
        <Field
          label="Room on this site"
          value={options.slug ?? ''}
          hint="The word in its address /r/…; empty = none."
          autoCapitalize="none"
          error={problem?.code === 'ROOM_NOT_FOUND' ? problem.message : problem?.fieldError('slug')}
          onChange={(event) => {
            const slug = event.target.value.trim();
            set({ slug: slug === '' ? null : slug });
          }}
        />
        <Field
          label="Shown name"
          value={options.title}
          maxLength={80}
          placeholder={name}
          error={problem?.fieldError('title')}
          onChange={(event) => set({ title: event.target.value })}
        />
        <Field
          label="Logo"
          value={options.logoUrl}
          maxLength={300}
          hint="A path on this site or an address of WEB_EMBED_ORIGINS."
          error={problem?.fieldError('logoUrl')}
          onChange={(event) => set({ logoUrl: event.target.value.trim() })}
        />
        <Select
          label="Player"
          value={kind}
          options={kinds}
          testId="programme-player"
          onChange={(next) => set({ player: { kind: next, ref: '' } })}
        />
      </div>
      {kind === 'none' ? null : (
        <Field
          label={refs[kind].label}
          hint={refs[kind].hint}
          value={ref}
          maxLength={300}
          error={problem?.fieldError('player.ref')}
          onChange={(event) => set({ player: { kind, ref: event.target.value.trim() } })}
        />
      )}
      <label className="check">
        <input
          type="checkbox"
          checked={options.hasChat}
          onChange={(event) => set({ hasChat: event.target.checked })}
        />
        Its page has a chat
      </label>
      {problem ? <Notice tone="error">{problem.message}</Notice> : null}
      <div>
        <Button type="submit" isBusy={isBusy} disabled={isSame} data-testid="programme-room-save">
          Save {name}
        </Button>
      </div>
    </form>
  );
}
