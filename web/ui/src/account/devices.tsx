// Where this account is logged in, and a way to end each of these sessions.
import { useState } from 'react';
import { endOtherSessions, endSession, fetchSessions } from '../api/account-security.js';
import type { DeviceSession } from '../api/account-security.js';
import { toProblem } from '../api/problem.js';
import { formatDate } from '../format/clock.js';
import { useLoad } from '../state/use-load.js';
import { Button } from '../ui/button.js';
import { Notice } from '../ui/notice.js';
import { deviceName } from './device-name.js';

function Device({ device, onEnd }: { device: DeviceSession; onEnd: () => void }) {
  return (
    <li className="application device">
      <div>
        <h3>
          {deviceName(device.userAgent)}
          {device.isCurrent ? <span className="badge badge-outline">This device</span> : null}
        </h3>
        <p className="muted">
          {device.ip} · last used {formatDate(device.lastUsedAt)}
        </p>
      </div>
      {device.isCurrent ? null : (
        <Button size="small" onClick={onEnd}>
          Log out
        </Button>
      )}
    </li>
  );
}

export function Devices() {
  const { data, problem, reload } = useLoad(fetchSessions, []);
  const [failure, setFailure] = useState<string>();
  const act = (request: Promise<unknown>): void => {
    setFailure(undefined);
    request.then(reload).catch((error: unknown) => setFailure(toProblem(error).message));
  };
  const words = failure ?? problem?.message;
  const sessions = data?.sessions ?? [];
  return (
    <section className="panel stack" aria-label="Devices">
      <h2>Devices</h2>
      {words === undefined ? null : <Notice tone="error">{words}</Notice>}
      <ul className="application-list">
        {sessions.map((device) => (
          <Device key={device.id} device={device} onEnd={() => act(endSession(device.id))} />
        ))}
      </ul>
      {sessions.length > 1 ? (
        <div>
          <Button onClick={() => act(endOtherSessions())}>Log out everywhere else</Button>
        </div>
      ) : null}
    </section>
  );
}
