// The picture of the account: chosen, looked at, sent, and shown when the site has resized it.
import { useEffect, useState } from 'react';
import { fetchMe } from '../api/accounts.js';
import { removeAvatar, uploadAvatar } from '../api/avatar.js';
import { toProblem } from '../api/problem.js';
import { useLoad } from '../state/use-load.js';
import { Avatar } from '../ui/avatar.js';
import { Button } from '../ui/button.js';
import { Field } from '../ui/field.js';
import { Notice } from '../ui/notice.js';

const bytesMax = 10 * 1_048_576;
const lookEveryMs = 1_000;

/** The file as an address for a picture, for as long as it is chosen. */
function usePreview(file: File | undefined): string | undefined {
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    if (file === undefined) {
      setUrl(undefined);
      return undefined;
    }
    const made = URL.createObjectURL(file);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [file]);
  return url;
}

type Outcome = { tone: 'error' | 'done' | 'info'; words: string } | undefined;

function Picture({
  preview,
  url,
  name,
}: {
  preview: string | undefined;
  url: string | null;
  name: string;
}) {
  if (preview === undefined) return <Avatar url={url} name={name} size="large" />;
  return <img className="avatar avatar-large" src={preview} alt="The picture you chose" />;
}

export function AvatarPanel({ name }: { name: string }) {
  const { data: me, reload } = useLoad(fetchMe, []);
  const [file, setFile] = useState<File>();
  const [share, setShare] = useState<number>();
  const [outcome, setOutcome] = useState<Outcome>();
  const preview = usePreview(file);
  const isPending = me?.isAvatarPending === true;
  useEffect(() => {
    if (!isPending) return undefined;
    const clock = window.setInterval(reload, lookEveryMs);
    return () => window.clearInterval(clock);
  }, [isPending, reload]);

  const choose = (chosen: File | undefined): void => {
    const isTooLarge = chosen !== undefined && chosen.size > bytesMax;
    setOutcome(isTooLarge ? { tone: 'error', words: 'The file has more than 10 MiB.' } : undefined);
    setFile(isTooLarge ? undefined : chosen);
  };
  const run = (work: Promise<unknown>, words: string): void => {
    setOutcome(undefined);
    work
      .then(() => {
        setFile(undefined);
        setOutcome({ tone: 'done', words });
      })
      .catch((thrown: unknown) => setOutcome({ tone: 'error', words: toProblem(thrown).message }))
      .finally(() => {
        setShare(undefined);
        reload();
      });
  };
  const send = (): void => {
    if (file === undefined) return;
    setShare(0);
    run(uploadAvatar(file, setShare), 'Sent. It is shown in a moment.');
  };
  return (
    <section className="panel stack" aria-label="Picture" data-testid="avatar-panel">
      <h2>Picture</h2>
      <div className="avatar-choice">
        <Picture preview={preview} url={me?.avatarUrl ?? null} name={name} />
        <Field
          label="JPEG, PNG, WebP, AVIF or GIF"
          type="file"
          accept="image/*"
          hint="At most 10 MiB. It is cut to a square; where it was taken is not kept."
          data-testid="avatar-file"
          onChange={(event) => {
            choose(event.target.files?.[0]);
            event.target.value = '';
          }}
        />
      </div>
      {share === undefined ? null : (
        <progress aria-label="Upload" value={share} max={1} data-testid="avatar-progress" />
      )}
      {isPending ? <Notice tone="info">Your picture is being made.</Notice> : null}
      {outcome ? <Notice tone={outcome.tone}>{outcome.words}</Notice> : null}
      <div className="row">
        <Button
          look="primary"
          disabled={file === undefined}
          isBusy={share !== undefined}
          data-testid="avatar-send"
          onClick={send}
        >
          Use this picture
        </Button>
        {typeof me?.avatarUrl === 'string' ? (
          <Button data-testid="avatar-remove" onClick={() => run(removeAvatar(), 'Taken away.')}>
            Take the picture away
          </Button>
        ) : null}
      </div>
    </section>
  );
}
