// Hooks in SRS's dialect: JSON, answered with HTTP 200 and `{code}`, where 0 accepts and everything
// else refuses. Translates to the rules of hooks.ts. SRS cannot rename a stream, so a publisher
// names the public stream and brings its key in the query: `…/live/<stream>?key=<stream key>`.
import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import type { TokenService } from '../cluster/index.js';
import type { HookParams, NginxRtmpHooks } from './hooks.js';
import type { SrsClients } from './srs-clients.js';

export interface SrsAnswer {
  /** 0 accepts; 400 malformed, 403 refused. */
  readonly code: 0 | 400 | 403;
  readonly msg: string;
}

const text = Type.String({ maxLength: 4_096 });
/** The members that count; SRS sends more, and more with each version. */
const srsHook = Type.Object({
  action: text,
  client_id: Type.Union([text, Type.Integer()]),
  server_id: Type.Optional(text),
  ip: Type.Optional(text),
  app: Type.Optional(text),
  stream: Type.Optional(text),
  param: Type.Optional(text),
});
type SrsHook = Static<typeof srsHook>;
const validator = Compile(srsHook);

const ACCEPT: SrsAnswer = { code: 0, msg: 'ok' };
const CALLS: Readonly<Record<string, string>> = {
  on_publish: 'publish',
  on_unpublish: 'publish_done',
  on_play: 'play',
  on_stop: 'play_done',
};
/** Told, not asked. */
const NEWS = new Set([
  ...['on_connect', 'on_close', 'on_dvr', 'on_hls', 'on_hls_notify'],
  'on_forward',
]);

export interface SrsHooksOptions {
  readonly hooks: Pick<NginxRtmpHooks, 'handle'>;
  readonly clients: SrsClients;
  readonly tokens: TokenService;
}

export class SrsHooks {
  constructor(private readonly options: SrsHooksOptions) {}

  /** Never rejects. */
  async handle(body: string, peer: string): Promise<SrsAnswer> {
    const hook = parse(body);
    if (hook === undefined) return { code: 400, msg: 'not a hook of SRS' };
    if (NEWS.has(hook.action)) return ACCEPT;
    const call = CALLS[hook.action];
    if (call === undefined) return { code: 400, msg: 'no such hook' };
    const params = toParams(hook, call, peer);
    const { status, body: reason } = await this.options.hooks.handle(`on_${call}`, params, peer);
    if (status >= 400) return { code: 403, msg: reason.trim() };
    await this.remember(hook, call, params).catch(() => undefined);
    return ACCEPT;
  }

  /** SRS asks once; from then on its list of clients proves that the viewer is there. */
  private async remember(hook: SrsHook, call: string, params: HookParams): Promise<void> {
    const { clients, tokens } = this.options;
    const client = { server: hook.server_id ?? '-', id: String(hook.client_id) };
    if (call === 'play_done') await clients.forget(client);
    const token = params.get('token');
    if (call !== 'play' || token === undefined) return;
    const verified = tokens.verify<{ sub: string; bill?: string }>('play', token);
    if (verified.ok && verified.claims.bill !== undefined) {
      await clients.remember(client, verified.claims.bill);
    }
  }
}

/** A publisher or player of SRS, named alike by its hooks and by its API. */
export function srsSession(server: string, client: string): { session: string; node: string } {
  return { session: `srs-${server}/${client}`, node: `srs-${server}` };
}

function toParams(hook: SrsHook, call: string, peer: string): HookParams {
  const query = new URLSearchParams(hook.param?.replace(/^\?/, '') ?? '');
  const stream = hook.stream ?? '';
  const { session, node } = srsSession(hook.server_id ?? peer, String(hook.client_id));
  const params = new Map<string, string>([
    ...([
      ['call', call],
      ['session', session],
      ['node', node],
    ] as const),
    ...([
      ['app', hook.app ?? ''],
      ['addr', hook.ip ?? ''],
    ] as const),
    ['name', call === 'publish' ? (query.get('key') ?? '') : stream] as const,
    ['stream', stream] as const,
  ]);
  const token = query.get('token');
  if (token !== null) params.set('token', token);
  return params;
}

function parse(body: string): SrsHook | undefined {
  try {
    const value = JSON.parse(body) as unknown;
    return validator.Check(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
