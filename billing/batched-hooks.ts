// Many hooks in one POST, for our own media nodes: `{ node, calls: [{ call, … }] }`, each with the
// members that the single call has. The proofs of life among them go to Redis as one script per
// shard. Used by http.ts. Invariant: one answer per call, in order, whatever the others get.
import Type from 'typebox';
import { Compile } from 'typebox/compile';
import type { HookAnswer, NginxRtmpHooks } from './hooks.js';

/** Calls in one batch; more are refused as a whole. */
export const CALLS_MAX = 2_000;

const validator = Compile(
  Type.Object(
    {
      node: Type.String({ minLength: 1, maxLength: 64 }),
      calls: Type.Array(Type.Record(Type.String(), Type.String({ maxLength: 4_096 })), {
        maxItems: CALLS_MAX,
      }),
    },
    { additionalProperties: false },
  ),
);

/** @returns undefined when the body is no batch */
export async function answerBatch(
  hooks: Pick<NginxRtmpHooks, 'handle'>,
  body: string,
  peer: string,
): Promise<{ answers: HookAnswer[] } | undefined> {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (!validator.Check(value)) return undefined;
  const { node, calls } = value;
  const answers = await Promise.all(
    calls.map((members) => {
      const params = new Map(Object.entries({ node, ...members }));
      const call = params.get('call') ?? '';
      const path = call.startsWith('update_') ? 'on_update' : `on_${call}`;
      return hooks.handle(path, params, peer);
    }),
  );
  return { answers };
}
