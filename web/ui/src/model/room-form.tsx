// Title, topic, tags, price and kind of show, private offer, tip menu and goal of the model's room.
import { useState } from 'react';
import type { SubmitEvent } from 'react';
import { updateModelRoom } from '../api/models.js';
import type { ModelRoom } from '../api/models.js';
import { toProblem } from '../api/problem.js';
import type { Problem } from '../api/problem.js';
import { Button } from '../ui/button.js';
import { Field, TextField } from '../ui/field.js';
import { Notice } from '../ui/notice.js';
import { changesOf, draftOf, faultsOf } from './room-draft.js';
import type { RoomDraft, RoomFaults } from './room-draft.js';

interface RoomFormProps {
  room: ModelRoom;
  onSaved: (room: ModelRoom) => void;
}

interface PartProps {
  draft: RoomDraft;
  faults: RoomFaults;
  problem: Problem | undefined;
  set: (change: Partial<RoomDraft>) => void;
}

function Words({ draft, problem, faults, set }: PartProps) {
  return (
    <>
      <Field
        label="Title"
        value={draft.title}
        maxLength={80}
        required
        error={problem?.fieldError('title')}
        onChange={(event) => set({ title: event.target.value })}
      />
      <Field
        label="Topic"
        value={draft.topic}
        maxLength={200}
        hint="One line below the title."
        error={problem?.fieldError('topic')}
        onChange={(event) => set({ topic: event.target.value })}
      />
      <Field
        label="Tags"
        value={draft.tags}
        hint="Up to ten words, with commas between: music, german."
        error={faults.tags ?? problem?.fieldError('tags')}
        onChange={(event) => set({ tags: event.target.value })}
      />
    </>
  );
}

const kinds: [RoomDraft['showType'], string][] = [
  ['free', 'Free'],
  ['paid', 'Per minute'],
  ['ticket', 'Ticket'],
];

const prices = [
  {
    kind: 'paid',
    draftName: 'price',
    field: 'priceMilliPerMin',
    label: 'Price',
    unit: 'credits / min',
    hint: 'A new price holds for everyone who enters from now on.',
  },
  {
    kind: 'ticket',
    draftName: 'ticket',
    field: 'ticketMilli',
    label: 'Ticket',
    unit: 'credits',
    hint: 'Paid once for the whole show.',
  },
] as const;

function Price({ draft, problem, faults, set }: PartProps) {
  return (
    <>
      <div className="field">
        <span className="legend">Show</span>
        <div className="segmented" role="group" aria-label="Kind of show">
          {kinds.map(([kind, name]) => (
            <button
              key={kind}
              type="button"
              aria-pressed={draft.showType === kind}
              data-testid={`show-${kind}`}
              onClick={() => set({ showType: kind })}
            >
              {name}
            </button>
          ))}
        </div>
      </div>
      {prices.map(({ kind, draftName, field, ...words }) =>
        draft.showType === kind ? (
          <Field
            key={kind}
            {...words}
            inputMode="decimal"
            value={draft[draftName]}
            error={faults[draftName] ?? problem?.fieldError(field)}
            onChange={(event) => set({ [draftName]: event.target.value })}
          />
        ) : null,
      )}
    </>
  );
}

function ShowLength({ draft, problem, faults, set }: PartProps) {
  return (
    <Field
      label="Longest show"
      unit="minutes"
      inputMode="numeric"
      value={draft.showMinutes}
      hint="Then the show is ended for everybody. Empty = as the site has it."
      error={faults.showMinutes ?? problem?.fieldError('showMaxSec')}
      onChange={(event) => set({ showMinutes: event.target.value })}
    />
  );
}

function VisitLength({ draft, problem, faults, set }: PartProps) {
  return (
    <Field
      label="Longest visit"
      unit="minutes"
      inputMode="numeric"
      value={draft.visitMinutes}
      hint="Then the visit of this one viewer ends and costs no more. Empty = no limit."
      error={faults.visitMinutes ?? problem?.fieldError('visitMaxSec')}
      onChange={(event) => set({ visitMinutes: event.target.value })}
    />
  );
}

function PrivateOffer({ draft, problem, faults, set }: PartProps) {
  return (
    <fieldset className="fieldset stack">
      <legend className="legend">Private shows</legend>
      <label className="check">
        <input
          type="checkbox"
          checked={draft.offersPrivate}
          onChange={(event) => set({ offersPrivate: event.target.checked })}
        />
        Viewers may ask for a private show
      </label>
      {draft.offersPrivate ? (
        <>
          <Field
            label="Price in private"
            unit="credits / min"
            inputMode="decimal"
            value={draft.privatePrice}
            error={faults.privatePrice ?? problem?.fieldError('privateShow.priceMilliPerMin')}
            onChange={(event) => set({ privatePrice: event.target.value })}
          />
          <div className="field-pair">
            <Field
              label="Minimum"
              unit="minutes"
              inputMode="numeric"
              value={draft.privateMinutes}
              error={faults.privateMinutes}
              onChange={(event) => set({ privateMinutes: event.target.value })}
            />
            <Field
              label="Free at the start"
              unit="seconds"
              inputMode="numeric"
              value={draft.privateGrace}
              error={faults.privateGrace}
              onChange={(event) => set({ privateGrace: event.target.value })}
            />
          </div>
        </>
      ) : null}
    </fieldset>
  );
}

function Tips({ draft, faults, problem, set }: PartProps) {
  return (
    <fieldset className="fieldset stack">
      <legend className="legend">Tips</legend>
      <TextField
        label="Tip menu"
        rows={3}
        value={draft.menu}
        hint="One line each, the amount last: Song request 20"
        error={faults.menu ?? problem?.fieldError('tipMenu')}
        onChange={(event) => set({ menu: event.target.value })}
      />
      <div className="field-pair">
        <Field
          label="Goal"
          unit="credits"
          inputMode="decimal"
          value={draft.goal}
          hint="Empty = no goal."
          error={faults.goal}
          onChange={(event) => set({ goal: event.target.value })}
        />
        <Field
          label="Goal for"
          maxLength={100}
          value={draft.goalText}
          onChange={(event) => set({ goalText: event.target.value })}
        />
      </div>
    </fieldset>
  );
}

function Strangers({ draft, set }: PartProps) {
  return (
    <fieldset className="fieldset stack">
      <legend className="legend">Visitors without an account</legend>
      <label className="check">
        <input
          type="checkbox"
          checked={draft.allowAnons}
          onChange={(event) => set({ allowAnons: event.target.checked })}
        />
        may watch
      </label>
      <label className="check">
        <input
          type="checkbox"
          checked={draft.anonsSeeChat}
          disabled={!draft.allowAnons}
          onChange={(event) => set({ anonsSeeChat: event.target.checked })}
        />
        may read the chat
      </label>
    </fieldset>
  );
}

type Outcome = { tone: 'done' } | { tone: 'error'; problem: Problem } | undefined;

export function RoomForm({ room, onSaved }: RoomFormProps) {
  const [draft, setDraft] = useState(() => draftOf(room));
  const [isBusy, setBusy] = useState(false);
  const [outcome, setOutcome] = useState<Outcome>();
  const faults = faultsOf(draft);
  const isWrong = Object.keys(faults).length > 0;
  const problem = outcome?.tone === 'error' ? outcome.problem : undefined;
  const set = (change: Partial<RoomDraft>): void => {
    setOutcome(undefined);
    setDraft((now) => ({ ...now, ...change }));
  };
  const save = (event: SubmitEvent): void => {
    event.preventDefault();
    const changes = changesOf(draft, room);
    if (isBusy || isWrong) return;
    if (Object.keys(changes).length === 0) {
      setOutcome({ tone: 'done' });
      return;
    }
    setBusy(true);
    updateModelRoom(changes)
      .then((answer) => {
        onSaved(answer.room);
        setDraft(draftOf(answer.room));
        setOutcome({ tone: 'done' });
      })
      .catch((error: unknown) => setOutcome({ tone: 'error', problem: toProblem(error) }))
      .finally(() => setBusy(false));
  };
  const part = { draft, faults, problem, set };
  return (
    <section className="panel">
      <h2>Your room</h2>
      <form className="stack" onSubmit={save} noValidate>
        <Words {...part} />
        <Price {...part} />
        {draft.showType === 'free' ? null : <VisitLength {...part} />}
        <ShowLength {...part} />
        <PrivateOffer {...part} />
        <Tips {...part} />
        <Strangers {...part} />
        {outcome?.tone === 'done' ? <Notice tone="done">Saved. Viewers see it now.</Notice> : null}
        {problem ? <Notice tone="error">{problem.message}</Notice> : null}
        <div>
          <Button
            look="primary"
            type="submit"
            isBusy={isBusy}
            disabled={isWrong}
            data-testid="room-save"
          >
            Save
          </Button>
        </div>
      </form>
    </section>
  );
}
