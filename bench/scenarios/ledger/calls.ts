// What the run asks of the ledger driver, the process that plays engine and settler.

export interface Work {
  readonly rows: number;
  readonly ms: number;
  /** CPU of the driver. */
  readonly driverMicros: number;
}

export interface LedgerCalls {
  /** Makes wallets in SQL, brings them to Redis, opens a session for the first ones. */
  readonly prepare: {
    args: {
      readonly redisUrl: string;
      readonly mysqlUrl: string;
      readonly wallets: number;
      readonly sessions: number;
    };
    reply: null;
  };
  /** Lets time pass for every session and answers how many settlements wait in the outboxes. */
  readonly backlog: { args: { readonly minutes: number }; reply: { readonly charges: number } };
  /** Settles all that waits; `rows` are transfers. */
  readonly drain: { args: null; reply: Work };
  /** Multi-row INSERT of as many rows into a table like `transfer`, and nothing else. */
  readonly insert: { args: { readonly rows: number }; reply: Work };
  /** All rows that the settler writes for as many transfers, without the settler. */
  readonly book: { args: { readonly rows: number }; reply: Work };
  /**
   * Lets the settler run by itself while charges come at a pace; once. `lagsMs`: of each call of up
   * to forty charges, until the cursor behind it is committed.
   */
  readonly pace: {
    args: { readonly rowsPerSec: number; readonly ms: number };
    reply: { readonly lagsMs: Float64Array; readonly rowsPerSec: number };
  };
  /** Empties Redis and lifts the fence; `rows` are wallets. */
  readonly rebuild: { args: null; reply: Work };
  /** Reads the same rows and writes them with HSET alone. */
  readonly copy: { args: null; reply: Work };
  /** A query and a HSET for each of so many wallets. */
  readonly copyOneByOne: { args: { readonly wallets: number }; reply: Work };
  readonly verify: {
    args: null;
    reply: { readonly wallets: number; readonly mismatches: readonly string[] };
  };
}
