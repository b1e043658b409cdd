// Where an encoder publishes to, and its key. The clear key is shown once, right after it was made.
import { useState } from 'react';
import { regenerateKey } from '../api/models.js';
import type { ModelDesk } from '../api/models.js';
import { toProblem } from '../api/problem.js';
import { Button } from '../ui/button.js';
import { CopyField } from '../ui/copy-field.js';
import { Dialog } from '../ui/dialog.js';
import { KeyIcon } from '../ui/icons.js';
import { Notice } from '../ui/notice.js';

interface PublishingProps {
  desk: ModelDesk;
  onNewKey: (keyMasked: string) => void;
}

function ConfirmNewKey({
  isLive,
  onConfirm,
  onClose,
}: {
  isLive: boolean;
  onConfirm: () => void;
  onClose: () => void;
}) {
  return (
    <Dialog title="Make a new stream key?" onClose={onClose}>
      <div className="stack">
        <p>
          The old key stops working at once.{' '}
          {isLive ? 'Your running broadcast is dropped until you publish with the new key.' : ''}
        </p>
        <div className="row">
          <Button
            look="primary"
            onClick={() => {
              onClose();
              onConfirm();
            }}
          >
            Make a new key
          </Button>
          <Button onClick={onClose}>Keep the old one</Button>
        </div>
      </div>
    </Dialog>
  );
}

export function Publishing({ desk, onNewKey }: PublishingProps) {
  const [clearKey, setClearKey] = useState<string>();
  const [problem, setProblem] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  const [isAsking, setAsking] = useState(false);
  const make = (): void => {
    setBusy(true);
    setProblem(undefined);
    regenerateKey()
      .then(({ key, keyMasked }) => {
        setClearKey(key);
        onNewKey(keyMasked);
      })
      .catch((error: unknown) => setProblem(toProblem(error).message))
      .finally(() => setBusy(false));
  };
  return (
    <section className="panel stack">
      <h2>Publish with OBS</h2>
      {desk.publishUrl === null ? (
        <Notice tone="info">No ingest server is up at the moment. Try again in a minute.</Notice>
      ) : (
        <CopyField label="Server" value={desk.publishUrl} />
      )}
      {clearKey === undefined ? (
        <CopyField label="Stream key" value={desk.keyMasked ?? 'No key yet'} canCopy={false} />
      ) : (
        <>
          <CopyField label="Stream key" value={clearKey} />
          <Notice tone="info">
            Copy the key now: it is shown this once. Whoever has it can broadcast as you.
          </Notice>
        </>
      )}
      {problem === undefined ? null : <Notice tone="error">{problem}</Notice>}
      <div>
        <Button
          icon={<KeyIcon />}
          isBusy={isBusy}
          onClick={() => (desk.keyMasked === null ? make() : setAsking(true))}
        >
          {desk.keyMasked === null ? 'Make a stream key' : 'Make a new key'}
        </Button>
      </div>
      <ol className="desk-steps">
        <li>In OBS open Settings, Stream, and choose the service “Custom…”.</li>
        <li>Paste server and stream key.</li>
        <li>Set the key-frame interval to 2 s and the encoder to H.264 with AAC sound.</li>
        <li>Start streaming. Your room goes live by itself.</li>
      </ol>
      {isAsking ? (
        <ConfirmNewKey isLive={desk.isLive} onConfirm={make} onClose={() => setAsking(false)} />
      ) : null}
    </section>
  );
}
