// The care of the programme: what is in force, where it comes from, uploads, and what each of its
// rooms is on this site. All of it without a new release.
import { useState } from 'react';
import type { SubmitEvent } from 'react';
import {
  fetchProgrammeStatus,
  refreshProgramme,
  removeProgramme,
  setProgrammeSource,
  uploadProgramme,
} from '../api/programme.js';
import type { Fault, ProgrammeStatus } from '../api/programme.js';
import { Problem, toProblem } from '../api/problem.js';
import { formatDate } from '../format/clock.js';
import { Link } from '../router/link.js';
import { useActing } from '../state/use-acting.js';
import type { Acting } from '../state/use-acting.js';
import { useLoad } from '../state/use-load.js';
import { Button } from '../ui/button.js';
import { Field } from '../ui/field.js';
import { Notice } from '../ui/notice.js';
import { ProgrammeRoomForm } from './programme-room-form.js';

const bytesMax = 4 * 1_048_576;

const checks: Record<ProgrammeStatus['check']['state'], string> = {
  none: 'Nothing was looked at yet.',
  ok: 'The last look went well',
  invalid: 'The last one was not valid; the programme before stays in force',
  unreachable: 'The source could not be read; the programme before stays in force',
};

function Faults({ faults, title }: { faults: readonly Fault[]; title: string }) {
  if (faults.length === 0) return null;
  return (
    <details open={faults.length <= 5}>
      <summary>
        {title} ({faults.length})
      </summary>
      <ul className="fault-list">
        {faults.slice(0, 50).map((one) => (
          <li key={`${one.field} ${one.code} ${one.message}`}>
            {one.field === '' ? null : <code>{one.field}</code>} {one.message}
          </li>
        ))}
      </ul>
    </details>
  );
}

function State({ status }: { status: ProgrammeStatus }) {
  const { programme, check, warnings, origin, loadedAt } = status;
  const isWrong = check.state === 'invalid' || check.state === 'unreachable';
  return (
    <section className="panel stack" aria-label="In force" data-testid="programme-status">
      <h2>In force</h2>
      {programme === null ? (
        <p className="muted">No programme. Name a source or upload one.</p>
      ) : (
        <p>
          <strong>{programme.title}</strong>
          {programme.version === '' ? '' : ` ${programme.version}`}: {programme.talks} talks,{' '}
          {programme.rooms.length} rooms, {programme.days} days, {programme.timeZone}.{' '}
          <span className="muted">
            From {origin}
            {loadedAt === null ? '' : `, ${formatDate(loadedAt)}`}.
          </span>{' '}
          <Link href="/programme">See it</Link>
        </p>
      )}
      <Notice tone={isWrong ? 'error' : check.state === 'ok' ? 'done' : 'info'}>
        {checks[check.state]}
        {check.at === null ? '' : `, ${formatDate(check.at)}.`}
      </Notice>
      <Faults faults={check.problems} title="Problems" />
      <Faults faults={warnings} title="Warnings" />
    </section>
  );
}

function Source({ status, acting }: { status: ProgrammeStatus; acting: Acting }) {
  const [url, setUrl] = useState('');
  const save = (event: SubmitEvent): void => {
    event.preventDefault();
    if (url.trim() !== '') acting.run(setProgrammeSource(url.trim()));
  };
  return (
    <section className="panel stack" aria-label="Source">
      <h2>Source</h2>
      <p className="muted">
        {status.source === ''
          ? 'None is set; uploads alone.'
          : `${status.source}, ${status.isOwnSource ? 'set here' : 'from the settings of the site'}.`}
      </p>
      <form className="stack" onSubmit={save}>
        <Field
          label="Address of a schedule"
          type="url"
          value={url}
          maxLength={500}
          placeholder="https://pretalx.example.org/demo/schedule/export/schedule.json"
          hint="pretalx, frab or our own JSON. It is read again and again while it is the source."
          data-testid="programme-url"
          onChange={(event) => setUrl(event.target.value)}
        />
        <div className="row">
          <Button
            type="submit"
            look="primary"
            isBusy={acting.isBusy}
            disabled={url.trim() === ''}
            data-testid="programme-import"
          >
            Import and follow
          </Button>
          <Button
            isBusy={acting.isBusy}
            disabled={status.source === ''}
            data-testid="programme-refresh"
            onClick={() => acting.run(refreshProgramme())}
          >
            Look now
          </Button>
          {status.isOwnSource ? (
            <Button isBusy={acting.isBusy} onClick={() => acting.run(setProgrammeSource(''))}>
              Stop following
            </Button>
          ) : null}
        </div>
      </form>
    </section>
  );
}

async function uploadFile(file: File): Promise<unknown> {
  if (file.size > bytesMax) throw new Error('The file has more than 4 MiB.');
  let document: unknown;
  try {
    document = JSON.parse(await file.text());
  } catch {
    throw new Error('The file is not JSON.');
  }
  return uploadProgramme(document);
}

function Upload({ status, acting }: { status: ProgrammeStatus; acting: Acting }) {
  const [isSure, setSure] = useState(false);
  return (
    <section className="panel stack" aria-label="Upload">
      <h2>Upload</h2>
      <Field
        label="JSON file"
        type="file"
        accept="application/json,.json"
        hint="In force at once, until the source changes. At most 4 MiB."
        data-testid="programme-file"
        onChange={(event) => {
          const [file] = event.target.files ?? [];
          if (file) acting.run(uploadFile(file));
          event.target.value = '';
        }}
      />
      {status.programme === null ? null : (
        <div>
          <Button
            look="danger"
            size="small"
            isBusy={acting.isBusy}
            onBlur={() => setSure(false)}
            onClick={() => {
              if (isSure) acting.run(removeProgramme());
              setSure(!isSure);
            }}
          >
            {isSure ? 'Really take it away' : 'Take the programme away'}
          </Button>
        </div>
      )}
    </section>
  );
}

export function ProgrammePanel() {
  const { data, problem, reload } = useLoad(fetchProgrammeStatus, []);
  const { isBusy, failure, run } = useActing(reload, wordsOf);
  if (!data) return problem ? <Notice tone="error">{problem.message}</Notice> : null;
  const acting = { isBusy, run };
  return (
    <div className="stack desk-column" data-testid="programme-panel">
      {failure === undefined ? null : <Notice tone="error">{failure}</Notice>}
      <div className="admin-grid">
        <div className="stack desk-column">
          <State status={data} />
        </div>
        <div className="stack desk-column">
          <Source status={data} acting={acting} />
          <Upload status={data} acting={acting} />
        </div>
      </div>
      {data.programme?.rooms.map((room) => (
        <ProgrammeRoomForm
          key={`${room.key} ${JSON.stringify(room)}`}
          room={room}
          onSaved={reload}
        />
      ))}
    </div>
  );
}

function wordsOf(thrown: unknown): string {
  if (thrown instanceof Error && !(thrown instanceof Problem)) return thrown.message;
  return toProblem(thrown).message;
}
