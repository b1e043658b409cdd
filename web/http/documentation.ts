// The OpenAPI description, made from the schemas that validate and serialise: it cannot differ from
// them. Served at /api/docs and /api/docs/openapi.json.
import swagger from '@fastify/swagger';
import type { App } from './app-type.js';

/** Must be called before the routes are added. */
export async function installDocumentation(app: App): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Showbill',
        version: '1',
        description:
          'Amounts are milli-credits (1 credit = 1000) as decimal strings. Faults are ' +
          'problem+json (RFC 9457) with a `code`. Requests that change something need the ' +
          'header `x-showbill: 1` or a bearer token. Lists that have more answer with `next`; ' +
          'repeat with `cursor`.',
      },
      components: {
        securitySchemes: {
          cookie: { type: 'apiKey', in: 'cookie', name: 'sb_access' },
          bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
        },
      },
      security: [{ cookie: [] }, { bearer: [] }, {}],
    },
  });
  for (const path of ['/api/docs', '/api/docs/openapi.json']) {
    app.get(path, { schema: { hide: true } }, () => app.swagger());
  }
}
