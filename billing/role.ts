// The parts of the billing role, joined: engine behind its fence, hooks and API in front, sweeper,
// settler and funder beside. Used by main.ts and by tests, which bring their own connections and
// notifier.
import {
  type Clock,
  type Config,
  createTokenService,
  type Logger,
  type Metrics,
  randomId,
  type RedisClient,
  systemClock,
  type TokenService,
  verifyRequest,
} from '../cluster/index.js';
import { Announcer } from './announcer.js';
import { BillingApi } from './api.js';
import { Breaker } from './breaker.js';
import type { Database } from './database.js';
import { Engine } from './engine.js';
import { FailOpen } from './fail-open.js';
import { Fence } from './fence.js';
import { createFinance, type Finance } from './finance/finance.js';
import { FinanceJobs } from './finance/jobs.js';
import { financeRoutes } from './finance/routes.js';
import { Funder } from './funder.js';
import { NginxRtmpHooks } from './hooks.js';
import { HookListener } from './hook-listener.js';
import { HttpServer } from './http.js';
import { type BillingMetrics, billingMetrics } from './metrics.js';
import { migrate } from './migrator.js';
import { PlayTokens } from './play-tokens.js';
import { PollLease } from './poll-lease.js';
import type { BusPort, Notifier } from './ports.js';
import { Publishers } from './publishers.js';
import { Reconciler } from './reconcile.js';
import { BillingService } from './service.js';
import { Settler } from './settler.js';
import { SrsClients } from './srs-clients.js';
import { SrsHooks } from './srs-hooks.js';
import { SrsPoller } from './srs-poller.js';
import { Statements } from './statements.js';
import { Sweeper } from './sweeper.js';
import { TemporaryKeys } from './temporary-keys.js';
import { timingOf } from './tariff.js';
import { TermsStore } from './terms.js';
import { parseStreamStateMessage, TOPICS } from './topics.js';

export interface BillingRoleOptions {
  readonly config: Config;
  /** Billing Redis, role `money`. */
  readonly redis: RedisClient;
  readonly database: Database;
  readonly bus: BusPort;
  readonly notifier: Notifier;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly clock?: Clock;
}

/** Stale publishers: three updates missed. */
const MISSED_UPDATES = 3;

export class BillingRole {
  readonly engine: Engine;
  readonly service: BillingService;
  readonly fence: Fence;
  readonly settler: Settler;
  readonly funder: Funder;
  readonly publishers: Publishers;
  readonly announcer: Announcer;
  readonly finance: Finance;
  private readonly jobs: FinanceJobs;
  private readonly sweeper: Sweeper;
  private readonly http: HttpServer;
  private readonly hookListener: HookListener | undefined;
  private readonly srsClients: SrsClients;
  private readonly srsPoller: SrsPoller;
  private readonly terms: TermsStore;

  constructor(private readonly options: BillingRoleOptions) {
    const { config, redis, database, notifier, bus, log, clock = systemClock } = options;
    const metrics = billingMetrics(options.metrics);
    const timing = timingOf(config.billing);
    const tokens = createTokenService(config.secrets.token);
    const base = { redis, database, metrics, log, clock };
    this.fence = new Fence({
      ...base,
      maxGapMs: timing.maxGapMs,
      onRebuilt: () => this.publishers.tellAll(),
    });
    const engine = new Engine({ redis, fence: this.fence, timing, metrics });
    this.engine = engine;
    this.announcer = new Announcer({ notifier, bus, metrics, log });
    const shared = { ...base, engine, announcer: this.announcer };
    this.terms = new TermsStore(database, clock);
    this.publishers = new Publishers({
      ...shared,
      terms: this.terms,
      staleMs: config.rtmp.updateIntervalMs * MISSED_UPDATES,
      reconnectGraceMs: config.rtmp.reconnectGraceMs,
      policy: config.rtmp.publishPolicy,
      showMaxMs: config.billing.showMaxSec * 1_000,
    });
    this.funder = new Funder({
      ...shared,
      onFunded: (wallet, state) => this.announcer.balance(wallet, state),
    });
    this.settler = new Settler({ ...shared, isWaitedFor: () => this.isWaitedFor });
    const { terms, funder, publishers } = this;
    const { updateIntervalMs: windowMs } = config.billing;
    const { maxGapMs } = timing;
    const breaker = new Breaker({ clock, metrics, log, windowMs, maxGapMs });
    this.service = new BillingService({
      ...{ ...shared, terms, funder, publishers, tokens },
      settings: config.billing,
    });
    this.finance = createFinance({
      ...{ ...shared, funder, settings: config.billing },
      endSession: (sessionId) => this.service.end({ sessionId, reason: 'frozen' }),
      onChanged: (wallet, state) => this.announcer.balance(wallet, state),
    });
    this.jobs = new FinanceJobs({
      ...{ ...base, finance: this.finance, reconciler: new Reconciler(shared) },
      everyMs: config.billing.financeIntervalMs,
      reconcileEveryMs: config.billing.reconcileIntervalMs,
    });
    this.sweeper = new Sweeper({
      ...shared,
      ...{ breaker, maxGapMs },
      everySecond: () => publishers.sweep(),
    });
    this.srsClients = new SrsClients(redis);
    const holder = `${config.node.id}-${randomId(8)}`;
    this.srsPoller = new SrsPoller({
      lease: new PollLease({ redis, holder }),
      ...{ urls: config.billing.srsApiUrls, intervalMs: config.billing.updateIntervalMs },
      ...{ clients: this.srsClients, touches: this.service.touches, publishers, terms, log },
    });
    const hooks = this.makeHooks(tokens, metrics);
    this.http = this.makeHttp(tokens, hooks);
    const { hookPort, hookAllow } = config.billing;
    if (hookPort > 0) {
      const host = config.node.bindHost;
      this.hookListener = new HookListener({ host, port: hookPort, hookAllow, hooks, log });
    }
  }

  /**
   * Brings the schema up to date, lifts the fence, listens and starts the loops. @returns the port
   */
  async start(): Promise<number> {
    const { database, log, bus } = this.options;
    await migrate(database, log);
    await this.fence.lift();
    await bus.subscribe(TOPICS.terms, () => this.terms.forget());
    await bus.subscribe(TOPICS.streamState, (payload) => this.onStreamState(payload));
    await this.publishers.tellAll();
    const port = await this.http.listen();
    await this.hookListener?.listen();
    this.sweeper.start();
    this.srsPoller.start();
    this.settler.start();
    this.funder.start();
    this.jobs.start();
    return port;
  }

  /** Answers what was asked, says what was decided, settles what is in the outbox, then stops. */
  async stop(): Promise<void> {
    this.http.close();
    await this.hookListener?.close();
    await this.srsPoller.stop();
    await this.service.touches.flush();
    await this.jobs.stop();
    await this.sweeper.stop();
    await this.funder.stop();
    await this.settler.stop();
    await this.announcer.flush();
  }

  /** Whether somebody waits for an answer of this process; its settler then gives way. */
  get isWaitedFor(): boolean {
    return this.http.waiting + (this.hookListener?.waiting ?? 0) > 0;
  }

  private makeHooks(tokens: TokenService, metrics: BillingMetrics): NginxRtmpHooks {
    const { config, redis, log, clock = systemClock } = this.options;
    const { failOpenMs: allowanceMs } = config.billing;
    return new NginxRtmpHooks({
      ...{ terms: this.terms, publishers: this.publishers, touches: this.service.touches },
      temporaryKeys: new TemporaryKeys({ redis, tokens, terms: this.terms }),
      ...{ metrics, log, failOpen: new FailOpen({ allowanceMs, clock, metrics }) },
      tokens: new PlayTokens(tokens),
    });
  }

  private makeHttp(tokens: TokenService, hooks: NginxRtmpHooks): HttpServer {
    const { config, database, log, clock = systemClock } = this.options;
    const { internal: secret } = config.secrets;
    const { port, hookAllow } = config.billing;
    const srs = new SrsHooks({ hooks, clients: this.srsClients, tokens });
    const api = new BillingApi(this.service, new Statements(database), financeRoutes(this.finance));
    return new HttpServer({
      ...{ host: config.node.bindHost, port, hookAllow, hooks, srs, api, log },
      verify: (request) => verifyRequest(request, { secret, nowMs: clock.nowMs() }),
    });
  }

  private onStreamState(payload: Uint8Array): void {
    const message = parseStreamStateMessage(payload);
    if (message === undefined) return;
    const { streamId, state, node } = message;
    const work =
      state === 'live'
        ? this.publishers.seen(streamId, node)
        : this.publishers.ended(streamId, node);
    work.catch((err: unknown) => {
      this.options.log.warn({ event: 'stream_state.failed', streamId, state, err });
    });
  }
}
