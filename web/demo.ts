// Entry: makes the demo data through the same services that people use, and prints one JSON line
// with logins and stream keys. Only on a database without other accounts; a run that was cut short
// is completed by the next one, a finished one answers { "seeded": false }. Billing must be
// running.
import { randomBytes } from 'node:crypto';
import {
  ConfigError,
  createLogger,
  loadConfig,
  systemClock,
  type Config,
} from '../cluster/index.js';
import { createBacking } from './backing.js';
import { createDatabase, type Database } from './db/database.js';
import { AuditEntity } from './db/entities/audit.js';
import { UserEntity, type User } from './db/entities/user.js';
import { recordAudit } from './admin/audit.js';
import { AppError } from '../cluster/index.js';
import { siteSettings } from './settings.js';
import { createSite, type Site } from './site.js';

interface Login {
  readonly username: string;
  readonly password: string;
  readonly role: string;
  readonly note: string;
}

interface DemoData {
  readonly seeded: boolean;
  readonly logins: readonly Login[];
  /** By model, the free room first. */
  readonly streamKeys: Readonly<Record<string, string>>;
}

const VIEWERS = { anna: 100_000n, ben: 100_000n, cleo: 2_000n } as const;
const MODELS = {
  mira: { displayName: 'Mira', title: 'Mira live', topic: 'Test pattern and talk', price: '0' },
  nova: { displayName: 'Nova', title: 'Nova after dark', topic: 'By the minute', price: '6000' },
} as const;
const NAMES = ['admin', ...Object.keys(MODELS), ...Object.keys(VIEWERS)];
const DONE = 'demo.seeded';

async function seed(site: Site): Promise<DemoData> {
  const { database } = site;
  if (!(await isOurs(database))) return { seeded: false, logins: [], streamKeys: {} };
  const logins: Login[] = [];
  const enrol = async (username: string, role: string, note: string): Promise<User> => {
    const password = randomBytes(6).toString('base64url');
    logins.push({ username, password, role, note });
    return enrolUser(site, username, password);
  };

  const admin = await enrol('admin', 'admin', 'approves models, grants credits');
  await site.accounts.setRoles(admin.id, { isAdmin: true });
  const actor = { id: admin.id, ip: '' };

  const streamKeys: Record<string, string> = {};
  for (const [name, room] of Object.entries(MODELS)) {
    const price = room.price === '0' ? 'free room' : `${Number(room.price) / 1_000} credits/min`;
    const user = await enrol(name, 'model', price);
    await becomeModel(site, user, room, actor);
    streamKeys[name] = (await site.rooms.regenerateKey(user.id)).clear;
  }
  for (const [name, amount] of Object.entries(VIEWERS)) {
    const user = await enrol(name, 'viewer', `${amount / 1_000n} credits`);
    await site.finance.grant({
      to: { id: user.id },
      amountMilli: String(amount),
      reason: 'demo',
      key: `demo-grant-${name}`,
      actor,
    });
  }
  await markDone(database, admin.id);
  return { seeded: true, logins, streamKeys };
}

/** Empty, or holding only what a demo run that was cut short has left. */
async function isOurs(database: Database): Promise<boolean> {
  const users = await database.repository(UserEntity).find({ take: NAMES.length + 1 });
  if (users.some((one) => !NAMES.includes(one.username))) return false;
  return (await database.repository(AuditEntity).countBy({ action: DONE })) === 0;
}

async function enrolUser(site: Site, username: string, password: string): Promise<User> {
  const form = { username, password, email: `${username}@demo.invalid` };
  const user = await site.accounts.signUp(form).catch(async (thrown: unknown) => {
    if (!isCode(thrown, 'ACCOUNT_EXISTS')) throw thrown;
    const known = await site.accounts.find({ username });
    await site.accounts.setPassword(known.id, password);
    return known;
  });
  // Nobody reads the mails of these addresses: where activation is required they have it already.
  const confirmed = { status: 'active', emailConfirmedAt: new Date(systemClock.nowMs()) } as const;
  await site.database.repository(UserEntity).update({ id: user.id }, confirmed);
  return { ...user, ...confirmed };
}

async function becomeModel(
  site: Site,
  user: User,
  room: { displayName: string; title: string; topic: string; price: string },
  actor: { id: string; ip: string },
): Promise<void> {
  const { displayName, title, topic, price } = room;
  const form = { displayName, about: '' };
  await site.applications.apply(user, form).catch(unless('ALREADY_APPLIED'));
  await site.applications.approve(user.id, actor).catch(unless('ALREADY_DECIDED'));
  await site.rooms.change(user.id, { title, topic, priceMilliPerMin: price });
}

async function markDone(database: Database, adminId: string): Promise<void> {
  await database.transaction((manager) =>
    recordAudit(manager, {
      actor: { id: adminId, ip: '' },
      action: DONE,
      subjectType: 'user',
      subjectId: adminId,
      detail: {},
      createdAt: new Date(systemClock.nowMs()),
    }),
  );
}

function isCode(thrown: unknown, code: string): boolean {
  return thrown instanceof AppError && thrown.code === code;
}

function unless(code: string): (thrown: unknown) => undefined {
  return (thrown) => {
    if (!isCode(thrown, code)) throw thrown;
    return undefined;
  };
}

async function run(config: Config): Promise<void> {
  const log = createLogger({ role: 'demo', nodeId: config.node.id, level: config.log.level });
  const database = createDatabase({ ...config.mysql, log });
  const backing = createBacking({ config, log, isMember: false });
  try {
    await Promise.all([database.start(), backing.link.start()]);
    backing.link.current();
    const nothing = { directory: { list: () => Promise.resolve([]), previewSid: '' } };
    const silent = { publisher: { publish: () => Promise.resolve(false) } };
    const done = (): Promise<void> => Promise.resolve();
    // Nobody is in a room that is being made.
    const control = { evict: done, disconnect: done, endBroadcast: done, closeFreeVideo: done };
    const moderation = {
      ...{ moderate: done, setFlags: done, settings: () => Promise.resolve({}) },
      ...{
        bans: () => Promise.resolve({ items: [] }),
        held: () => Promise.resolve([]),
        audit: () => Promise.resolve([]),
      },
      history: () => Promise.resolve({ top: 0, msgs: [] }),
    };
    const recordings = {
      sidOf: (id: string) => id,
      list: () => Promise.resolve([]),
      remove: () => Promise.resolve(false),
    };
    const ports = { ...backing.ports, ...nothing, ...silent, control, moderation, recordings };
    const settings = siteSettings(config);
    const site = createSite({ ports, database, settings, clock: systemClock, log });
    process.stdout.write(`${JSON.stringify(await seed(site))}\n`);
  } finally {
    await backing.link.stop();
    await database.stop();
  }
}

try {
  await run(loadConfig());
} catch (thrown) {
  const isConfig = thrown instanceof ConfigError;
  for (let fault: unknown = thrown; fault instanceof Error; fault = fault.cause) {
    process.stderr.write(`demo: ${fault.message}\n`);
  }
  process.exitCode = isConfig ? 2 : 1;
}
