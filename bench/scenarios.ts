// All scenarios by name. Each is loaded only when it runs: most need packages that others do not.
import type { Scenario } from './lib/run-context.js';

export const scenarios: Readonly<Record<string, () => Promise<Scenario>>> = {
  fanout: async () => (await import('./scenarios/fanout.js')).fanout,
  'fanout-nodes': async () => (await import('./scenarios/fanout.js')).fanoutNodes,
  connect: async () => (await import('./scenarios/connect.js')).connect,
  hotroom: async () => (await import('./scenarios/hotroom.js')).hotroom,
  chatter: async () => (await import('./scenarios/chatter.js')).chatter,
  moderation: async () => (await import('./scenarios/moderation.js')).moderation,
  jitter: async () => (await import('./scenarios/jitter.js')).jitter,
  'broker-faults': async () => (await import('./scenarios/broker-faults.js')).brokerFaults,
  drain: async () => (await import('./scenarios/drain.js')).drain,
  avalanche: async () => (await import('./scenarios/avalanche.js')).avalanche,
  idle: async () => (await import('./scenarios/idle.js')).idle,
  'slow-reader': async () => (await import('./scenarios/slow-reader.js')).slowReader,
  'slow-crowd': async () => (await import('./scenarios/slow-crowd.js')).slowCrowd,
  soak: async () => (await import('./scenarios/soak.js')).soak,
  ticks: async () => (await import('./scenarios/ticks.js')).ticks,
  tips: async () => (await import('./scenarios/tips.js')).tips,
  hooks: async () => (await import('./scenarios/hooks.js')).hooks,
  catchup: async () => (await import('./scenarios/catchup.js')).catchup,
  settle: async () => (await import('./scenarios/ledger.js')).settle,
  rebuild: async () => (await import('./scenarios/ledger.js')).rebuild,
  'rtmp-ingest': async () => (await import('./scenarios/rtmp.js')).rtmpIngest,
  'rtmp-play': async () => (await import('./scenarios/rtmp.js')).rtmpPlay,
  'hls-serve': async () => (await import('./scenarios/hls-serve.js')).hlsServe,
  'hls-latency': async () => (await import('./scenarios/hls-latency.js')).hlsLatency,
  'rtmp-stalled': async () => (await import('./scenarios/rtmp.js')).rtmpStalled,
  'chat-page': async () => (await import('./scenarios/chat-page.js')).chatPage,
  site: async () => (await import('./scenarios/site.js')).site,
  'web-login': async () => (await import('./scenarios/site.js')).sitePart('login'),
  'web-live-list': async () => (await import('./scenarios/site.js')).sitePart('live-list'),
  'web-profile': async () => (await import('./scenarios/site.js')).sitePart('profile'),
  'web-tip': async () => (await import('./scenarios/site.js')).sitePart('tip'),
  'web-webhook': async () => (await import('./scenarios/site.js')).sitePart('webhook'),
};

/** Those that leave so much unread that the kernel's memory would be what is measured. */
export const ownNetworkScenarios: ReadonlySet<string> = new Set(['slow-crowd']);
