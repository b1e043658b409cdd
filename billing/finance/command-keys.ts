// The keys of commands that SQL remembers: what was decided under a key is stored beside it, in the
// transaction of its effects. Used by the desk and the funder. Invariants: a key acts once; the
// same key with another body is refused; what was refused stays refused under its key and leaves
// nothing else. Stores that are away, or behind, decide nothing: then the key is free.
import { AppError, type ErrorDetails } from '../../cluster/index.js';
import { type Database, type Row, type Sql, textOf } from '../database.js';
import { BILLING_ERRORS, billingError, type BillingErrorCode } from '../errors.js';

export interface CommandKey {
  /** Kind and key: `refund:<key>`. */
  readonly idemKey: string;
  /** 16 hex digits over the body. */
  readonly fingerprint: string;
  readonly nowMs: number;
}

interface Refusal {
  readonly code: BillingErrorCode;
  readonly details: ErrorDetails;
}

type Outcome<T> = { readonly done: T } | { readonly refused: AppError };

/**
 * Carries out `work` once per key, READ COMMITTED; a repeat answers what the first call answered, a
 * refusal with the detail `wasRefused`. So is a key of a refusal that is used for another body.
 * @param work its answer is stored as JSON of at most 400 characters
 * @throws AppError BILLING_KEY_CONFLICT, BILLING_UNAVAILABLE and what `work` refuses
 */
export async function oncePerKey<T extends object>(
  database: Pick<Database, 'transaction'>,
  key: CommandKey,
  work: (sql: Sql) => Promise<T>,
): Promise<T> {
  const outcome = await database.transaction('READ COMMITTED', async (sql): Promise<Outcome<T>> => {
    const known = await lockKey(sql, key);
    if (known !== undefined) return { done: known as T };
    await sql.run('SAVEPOINT work');
    try {
      const done = await work(sql);
      await store(sql, key, { result: JSON.stringify(done) });
      return { done };
    } catch (thrown) {
      if (!isDecision(thrown)) throw thrown;
      // What it had begun is undone; the key keeps the refusal.
      await sql.run('ROLLBACK TO SAVEPOINT work');
      const { code, details } = thrown;
      await store(sql, key, { refusal: JSON.stringify({ code, details }) });
      return { refused: thrown };
    }
  });
  if ('refused' in outcome) throw outcome.refused;
  return outcome.done;
}

/**
 * The row is the lock of the key: of two calls at once the second reads the first one's answer.
 * @returns what was answered before
 */
async function lockKey(sql: Sql, { idemKey, fingerprint, nowMs }: CommandKey): Promise<unknown> {
  await sql.run(
    `INSERT INTO finance_command (idem_key, fingerprint, result, created_ms) VALUES (?)
     ON DUPLICATE KEY UPDATE idem_key = VALUES(idem_key)`,
    [[idemKey, fingerprint, '', nowMs]],
  );
  const [row] = await sql.query(
    'SELECT fingerprint, result, refusal FROM finance_command WHERE idem_key = ? FOR UPDATE',
    [idemKey],
  );
  const refusal = refusalOf(row);
  const wasRefused = refusal !== undefined;
  if (textOf(row, 'fingerprint') !== fingerprint) {
    throw billingError('BILLING_KEY_CONFLICT', wasRefused ? { wasRefused } : {});
  }
  if (wasRefused) throw billingError(refusal.code, { ...refusal.details, wasRefused });
  const result = textOf(row, 'result');
  return result === '' ? undefined : JSON.parse(result);
}

function refusalOf(row: Row | undefined): Refusal | undefined {
  const text = textOf(row, 'refusal');
  if (text === '' || textOf(row, 'result') !== '') return undefined;
  const refusal = JSON.parse(text) as Refusal;
  // A later build may have had a word that this one does not know.
  return refusal.code in BILLING_ERRORS ? refusal : { code: 'BILLING_KEY_CONFLICT', details: {} };
}

async function store(
  sql: Sql,
  { idemKey }: CommandKey,
  { result = '', refusal = null }: { result?: string; refusal?: string | null },
): Promise<void> {
  await sql.run('UPDATE finance_command SET result = ?, refusal = ? WHERE idem_key = ?', [
    ...[result, refusal, idemKey],
  ]);
}

const UNDECIDED = new WeakSet<object>();

/**
 * For a refusal that time alone may lift, as when the ledger does not know of something yet: the
 * key stays free.
 */
export function undecided<E extends object>(refusal: E): E {
  UNDECIDED.add(refusal);
  return refusal;
}

/** A request that is malformed is no command yet: nothing is decided about it. */
function isDecision(thrown: unknown): thrown is AppError {
  if (!(thrown instanceof AppError) || thrown.code === 'BILLING_BAD_REQUEST') return false;
  return thrown.code in BILLING_ERRORS && !thrown.retry && !UNDECIDED.has(thrown);
}
