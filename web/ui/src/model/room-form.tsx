// Title, topic and price of the model's room.
import { useState } from 'react';
import type { SubmitEvent } from 'react';
import { updateModelRoom } from '../api/models.js';
import type { ModelRoom } from '../api/models.js';
import { toProblem } from '../api/problem.js';
import type { Problem } from '../api/problem.js';
import { formatCredits, parseCredits } from '../format/credits.js';
import { Button } from '../ui/button.js';
import { Field } from '../ui/field.js';
import { Notice } from '../ui/notice.js';

interface RoomFormProps {
  room: ModelRoom;
  onSaved: (room: ModelRoom) => void;
}

type Outcome = { tone: 'done' } | { tone: 'error'; problem: Problem } | undefined;

/** `''` and `0` are a free room. */
function readPrice(text: string): string | undefined {
  if (/^0*([.,]0*)?$/.test(text.trim())) return '0';
  return parseCredits(text)?.toString();
}

export function RoomForm({ room, onSaved }: RoomFormProps) {
  const [title, setTitle] = useState(room.title);
  const [topic, setTopic] = useState(room.topic);
  const [price, setPrice] = useState(formatCredits(room.pricePerMinMilli).replaceAll(',', ''));
  const [isBusy, setBusy] = useState(false);
  const [outcome, setOutcome] = useState<Outcome>();
  const priceMilli = readPrice(price);
  const problem = outcome?.tone === 'error' ? outcome.problem : undefined;
  const save = (event: SubmitEvent): void => {
    event.preventDefault();
    if (isBusy || priceMilli === undefined) return;
    setBusy(true);
    updateModelRoom({ title: title.trim(), topic: topic.trim(), priceMilliPerMin: priceMilli })
      .then((answer) => {
        onSaved(answer.room);
        setOutcome({ tone: 'done' });
      })
      .catch((error: unknown) => setOutcome({ tone: 'error', problem: toProblem(error) }))
      .finally(() => setBusy(false));
  };
  return (
    <section className="panel">
      <h2>Your room</h2>
      <form className="stack" onSubmit={save} onChange={() => setOutcome(undefined)} noValidate>
        <Field
          label="Title"
          value={title}
          maxLength={80}
          required
          error={problem?.fieldError('title')}
          onChange={(event) => setTitle(event.target.value)}
        />
        <Field
          label="Topic"
          value={topic}
          maxLength={200}
          hint="One line below the title."
          error={problem?.fieldError('topic')}
          onChange={(event) => setTopic(event.target.value)}
        />
        <Field
          label="Price"
          unit="credits / min"
          inputMode="decimal"
          value={price}
          hint="0 is a free room. A new price holds for everyone who enters from now on."
          error={
            priceMilli === undefined
              ? 'Enter a price such as 6 or 2.5.'
              : problem?.fieldError('priceMilliPerMin')
          }
          onChange={(event) => setPrice(event.target.value)}
        />
        {outcome?.tone === 'done' ? <Notice tone="done">Saved. Viewers see it now.</Notice> : null}
        {problem && problem.errors.length === 0 ? (
          <Notice tone="error">{problem.message}</Notice>
        ) : null}
        <div>
          <Button look="primary" type="submit" isBusy={isBusy} disabled={priceMilli === undefined}>
            Save
          </Button>
        </div>
      </form>
    </section>
  );
}
