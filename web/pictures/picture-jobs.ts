// The queue of pictures that wait to be resized: BullMQ on the realtime Redis, under a prefix of
// its own that keeps to one slot of a Cluster. Any web process takes a job; a job may run twice.
// Invariants: at most WAITING_MAX wait, and each is tried at most TRIES times.
import { Queue, UnrecoverableError, Worker, type Job } from 'bullmq';
import {
  AppError,
  closeRedis,
  coerceError,
  connectRedis,
  type Logger,
  type RedisClient,
} from '../../cluster/index.js';
import { siteError } from '../errors.js';
import type { PictureJob, PictureWorker } from '../ports.js';

const PREFIX = '{showbill:web:jobs}';
const NAME = 'pictures';
const WAITING_MAX = 1_000;
const TRIES = 5;
const ANSWER_MS = 3_000;
const START_TRIES = 3;

export interface PictureQueue {
  /** @throws REALTIME_UNAVAILABLE, OVERLOADED when too many wait */
  add(job: PictureJob): Promise<void>;
  /** Waits for the job that runs now. */
  close(): Promise<void>;
}

export async function openPictureQueue(parts: {
  redis: RedisClient;
  /** The same server, for the worker's own connections. */
  url: string;
  name: string;
  log: Logger;
  /** Does the work; absent = this process only adds. A fault that may pass is tried again. */
  work: PictureWorker | undefined;
  /** Pause before the second try; doubled for each further one. */
  firstPauseMs?: number;
}): Promise<PictureQueue> {
  const { redis, url, name, log, work, firstPauseMs = 1_000 } = parts;
  const queue = new Queue<PictureJob>(NAME, {
    connection: redis,
    prefix: PREFIX,
    skipWaitingForReady: true,
    skipVersionCheck: true,
    defaultJobOptions: {
      attempts: TRIES,
      backoff: { type: 'exponential', delay: firstPauseMs },
      removeOnComplete: true,
      removeOnFail: true,
    },
  });
  // Every command's caller hears of a fault; the event says the same once more.
  queue.on('error', () => undefined);
  const worker = work === undefined ? undefined : await startWorker({ url, name, log, work });
  return {
    async add(job) {
      try {
        if ((await answered(queue.getWaitingCount())) >= WAITING_MAX) throw siteError('OVERLOADED');
        await answered(queue.add('resize', job));
      } catch (thrown) {
        if (thrown instanceof AppError) throw thrown;
        throw siteError('REALTIME_UNAVAILABLE', {}, thrown);
      }
    },
    async close() {
      await worker?.close();
      await queue.close().catch(() => undefined);
    },
  };
}

async function startWorker(parts: {
  url: string;
  name: string;
  log: Logger;
  work: PictureWorker;
}): Promise<{ close(): Promise<void> }> {
  const { url, name, log, work } = parts;
  // Waits for a server that is away instead of giving up.
  const connection = await connectRedis(url, { role: 'subscriber', name, log });
  const worker = await startOn(connection, async ({ data, attemptsMade }) => {
    await work.run(data).catch(async (thrown: unknown) => {
      const { message } = coerceError(thrown);
      log.warn({ event: 'picture.failed', tries: attemptsMade + 1, reason: message });
      if (!isLasting(thrown) && attemptsMade + 1 < TRIES) throw thrown;
      await work.giveUp(data, thrown);
      throw new UnrecoverableError(message);
    });
  }).catch(async (thrown: unknown) => {
    await closeRedis(connection);
    throw thrown;
  });
  return {
    async close() {
      const isUp = connection.status === 'ready';
      await worker.close(!isUp).catch(() => undefined);
      await closeRedis(connection);
    },
  };
}

/** A worker whose own connection fails at first would stay idle for ever, so another is made. */
async function startOn(
  connection: RedisClient,
  run: (job: Job<PictureJob>) => Promise<void>,
): Promise<Worker<PictureJob>> {
  for (let tries = 1; ; tries += 1) {
    const worker = new Worker<PictureJob>(NAME, run, {
      ...{ connection, prefix: PREFIX, concurrency: 1, skipVersionCheck: true, autorun: false },
    });
    // The connection itself logs when it goes and when it is back.
    worker.on('error', () => undefined);
    try {
      await worker.waitUntilReady();
      void worker.run().catch(() => undefined);
      return worker;
    } catch (thrown) {
      await worker.close(true).catch(() => undefined);
      if (tries === START_TRIES) throw thrown;
    }
  }
}

/** What trying again does not mend. */
function isLasting(thrown: unknown): boolean {
  return thrown instanceof AppError && !thrown.retry;
}

async function answered<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('Redis is late')), ANSWER_MS);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
