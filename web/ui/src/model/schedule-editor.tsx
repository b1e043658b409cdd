// Announcing shows: the list of those to come, and the form for one.
import { useState } from 'react';
import type { SubmitEvent } from 'react';
import { addSlot, changeSlot, fetchSlots, removeSlot } from '../api/broadcast.js';
import { toProblem } from '../api/problem.js';
import type { Problem } from '../api/problem.js';
import type { Slot } from '../api/rooms.js';
import { formatDay, formatSpan, formatTime } from '../format/clock.js';
import { useLoad } from '../state/use-load.js';
import { Button, IconButton } from '../ui/button.js';
import { Field } from '../ui/field.js';
import { TrashIcon } from '../ui/icons.js';
import { Notice } from '../ui/notice.js';
import { Select } from '../ui/select.js';
import { freshSlot, slotDraftOf, slotFormOf, spans } from './slot-draft.js';
import type { SlotDraft } from './slot-draft.js';

function SlotRow({ slot, onEdit, onRemove }: RowProps) {
  const startMs = Date.parse(slot.startsAt);
  const endMs = Date.parse(slot.endsAt);
  return (
    <li className="slot" data-testid="slot">
      <div>
        <strong>{slot.title}</strong>
        <p className="muted number">
          {formatDay(slot.startsAt)}, {formatTime(startMs)} to {formatTime(endMs)}
        </p>
      </div>
      <Button size="small" onClick={onEdit} aria-label={`Change ${slot.title}`}>
        Change
      </Button>
      <IconButton label={`Remove ${slot.title}`} onClick={onRemove}>
        <TrashIcon />
      </IconButton>
    </li>
  );
}

interface RowProps {
  slot: Slot;
  onEdit: () => void;
  onRemove: () => void;
}

interface SlotFormProps {
  draft: SlotDraft;
  problem: Problem | undefined;
  isBusy: boolean;
  isNew: boolean;
  onChange: (draft: SlotDraft) => void;
  onSave: () => void;
  onCancel: () => void;
}

function SlotForm({ draft, problem, isBusy, isNew, onChange, onSave, onCancel }: SlotFormProps) {
  const lengths = spans.includes(draft.minutes) ? spans : [...spans, draft.minutes];
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    onSave();
  };
  return (
    <form className="stack" onSubmit={submit} noValidate>
      <Field
        label="Name of the show"
        value={draft.title}
        maxLength={80}
        data-testid="slot-title"
        error={problem?.fieldError('title')}
        onChange={(event) => onChange({ ...draft, title: event.target.value })}
      />
      <div className="field-pair">
        <Field
          label="Begins (your time)"
          type="datetime-local"
          value={draft.starts}
          error={problem?.fieldError('startsAt')}
          onChange={(event) => onChange({ ...draft, starts: event.target.value })}
        />
        <Select
          label="Length"
          value={draft.minutes}
          options={lengths.map((minutes) => [minutes, formatSpan(Number(minutes) * 60_000)])}
          onChange={(minutes) => onChange({ ...draft, minutes })}
        />
      </div>
      {problem ? <Notice tone="error">{problem.message}</Notice> : null}
      <div className="row">
        <Button
          look="primary"
          type="submit"
          isBusy={isBusy}
          disabled={slotFormOf(draft) === undefined}
          data-testid="slot-save"
        >
          {isNew ? 'Announce' : 'Save'}
        </Button>
        <Button look="quiet" onClick={onCancel}>
          Cancel
        </Button>
      </div>
    </form>
  );
}

interface Editing {
  id: string | undefined;
  draft: SlotDraft;
}

export function ScheduleEditor() {
  const { data, problem: away, reload } = useLoad(fetchSlots, []);
  const [editing, setEditing] = useState<Editing>();
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const run = (request: Promise<unknown>): void => {
    setBusy(true);
    setProblem(undefined);
    request
      .then(() => setEditing(undefined))
      .catch((error: unknown) => setProblem(toProblem(error)))
      .finally(() => {
        setBusy(false);
        reload();
      });
  };
  const save = (): void => {
    const form = editing ? slotFormOf(editing.draft) : undefined;
    if (!editing || !form) return;
    run(editing.id === undefined ? addSlot(form) : changeSlot(editing.id, form));
  };
  const open = (next: Editing | undefined): void => {
    setProblem(undefined);
    setEditing(next);
  };
  const slots = data?.slots ?? [];
  return (
    <section className="panel stack" aria-label="Schedule">
      <div className="panel-head">
        <h2>Schedule</h2>
        {editing ? null : (
          <Button
            size="small"
            data-testid="slot-new"
            onClick={() => open({ id: undefined, draft: freshSlot(new Date()) })}
          >
            Announce a show
          </Button>
        )}
      </div>
      {away ? <Notice tone="error">{away.message}</Notice> : null}
      {data && slots.length === 0 && !editing ? (
        <p className="muted">Nothing is announced. Followers like to know when you are on.</p>
      ) : null}
      <ul className="slot-list">
        {slots.map((slot) => (
          <SlotRow
            key={slot.id}
            slot={slot}
            onEdit={() => open({ id: slot.id, draft: slotDraftOf(slot) })}
            onRemove={() => run(removeSlot(slot.id))}
          />
        ))}
      </ul>
      {problem && !editing ? <Notice tone="error">{problem.message}</Notice> : null}
      {editing ? (
        <SlotForm
          draft={editing.draft}
          problem={problem}
          isBusy={isBusy}
          isNew={editing.id === undefined}
          onChange={(draft) => setEditing({ ...editing, draft })}
          onSave={save}
          onCancel={() => open(undefined)}
        />
      ) : null}
    </section>
  );
}
