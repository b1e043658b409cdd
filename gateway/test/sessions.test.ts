// The connections of a worker: who has to connect in time, and whose token has ended.
import t from 'tap';
import { limits, type CloseReason } from '../protocol/index.js';
import { Session } from '../session.js';
import { Sessions } from '../sessions.js';

function stage() {
  const time = { nowMs: 1_000 };
  const ended: string[] = [];
  const sessions: Sessions = new Sessions({
    nowMs: () => time.nowMs,
    end(session: Session, reason: CloseReason) {
      ended.push(`${session.id} ${reason}`);
      session.isEnded = true;
      sessions.remove(session);
    },
  });
  const open = (id: string): Session => {
    const session = new Session({
      ...{ id, encoding: 'rt1.json', transport: 'websocket', address: '127.0.0.1' },
      openedAtMs: time.nowMs,
    });
    sessions.add(session);
    return session;
  };
  const connect = (session: Session, tokenExpMs: number): void => {
    session.user = { id: session.id, name: session.id, role: 'viewer' };
    session.tokenExpMs = tokenExpMs;
    sessions.connected(session);
  };
  return { time, ended, sessions, open, connect };
}

t.test('who does not connect in time is sent away, once; the others stay', (t) => {
  const { time, ended, sessions, open, connect } = stage();
  open('silent');
  const early = open('early');
  const gone = open('gone');
  connect(early, Infinity);
  gone.isEnded = true;
  sessions.remove(gone);
  time.nowMs += limits.connectDeadlineMs - 1;
  const late = open('late');
  sessions.sweep();
  t.same(ended, []);
  time.nowMs += 1;
  sessions.sweep();
  sessions.sweep();
  t.same(ended, ['silent connect_deadline']);
  connect(late, Infinity);
  time.nowMs += limits.connectDeadlineMs;
  sessions.sweep();
  t.equal(ended.length, 1);
  t.equal(sessions.size, 2);
  t.end();
});

t.test('a token that has ended is found within ten sweeps', (t) => {
  const { time, ended, sessions, open, connect } = stage();
  for (let at = 0; at < 25; at += 1) connect(open(`long-${at}`), Infinity);
  connect(open('short'), time.nowMs + 500);
  time.nowMs += 500;
  for (let sweeps = 0; sweeps < 10 && ended.length === 0; sweeps += 1) sessions.sweep();
  t.same(ended, ['short token_expired']);
  t.end();
});
