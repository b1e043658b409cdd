// Checks every answer that a test receives against the served OpenAPI description: the status must
// be documented for the route, and the body must have the documented shape.
import { Value } from 'typebox/value';
import type { TSchema } from 'typebox';
import type { App } from '../http/app-type.js';

interface Operation {
  readonly responses?: Readonly<
    Record<string, { content?: Readonly<Record<string, { schema?: TSchema }>> }>
  >;
}

/** @returns what is wrong with the answer; undefined when it is as documented. */
export function contractProblem(
  app: App,
  answer: { method: string; url: string; status: number; body: string },
): string | undefined {
  const path = answer.url.split('?', 1)[0] ?? '';
  if (!path.startsWith('/api/v1/')) return undefined;
  const operation = findOperation(app, answer.method, path);
  if (operation === undefined) return answer.status === 404 ? undefined : `${path} is undocumented`;
  const { status } = answer;
  const reply =
    operation.responses?.[status] ?? operation.responses?.[`${Math.floor(status / 100)}XX`];
  const where = `${answer.method} ${path} ${status}`;
  if (reply === undefined) return `${where} is undocumented`;
  const [mediaType = '', content] = Object.entries(reply.content ?? {})[0] ?? [];
  const schema = content?.schema;
  if (schema === undefined || answer.body === '') return undefined;
  const body: unknown = mediaType.includes('json') ? JSON.parse(answer.body) : answer.body;
  if (Value.Check(schema, body)) return undefined;
  return `${where}: ${JSON.stringify(Value.Errors(schema, body)[0])}`;
}

function findOperation(app: App, method: string, path: string): Operation | undefined {
  const { paths = {} } = app.swagger() as {
    paths?: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  };
  const exact = paths[path]?.[method.toLowerCase()];
  if (exact !== undefined) return exact;
  const match = Object.entries(paths).find(([pattern]) =>
    new RegExp(`^${pattern.replace(/\{\w+\}/g, '[^/]+')}$`).test(path),
  );
  return match?.[1][method.toLowerCase()];
}
