// Serves the built single-page application: hashed assets for a year, the page itself always fresh,
// and the page for every address that is not a file and not the API.
import { existsSync } from 'node:fs';
import fastifyStatic from '@fastify/static';
import { siteError } from '../errors.js';
import type { App } from './app-type.js';
import { sendProblem } from './problem.js';

const ASSET = /[/\\]assets[/\\][^/\\]+-[A-Za-z0-9_-]{8,}\.\w+$/;
const ONE_YEAR = 'public, max-age=31536000, immutable';

/**
 * @param publicDir where `vite build` wrote the pages; may be missing, then only the API is served.
 */
export async function installPages(app: App, publicDir: string): Promise<void> {
  const hasPages = existsSync(new URL('index.html', `file://${publicDir}/`));
  if (hasPages) {
    await app.register(fastifyStatic, {
      root: publicDir,
      prefix: '/',
      index: ['index.html'],
      cacheControl: false,
      setHeaders: (response, path) => {
        void response.setHeader('cache-control', ASSET.test(path) ? ONE_YEAR : 'no-cache');
      },
    });
  }
  app.setNotFoundHandler((request, reply) => {
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    const path = request.url.split('?', 1)[0] ?? '/';
    const isPage = isRead && !path.startsWith('/api/') && !/\.\w{1,8}$/.test(path);
    if (isPage && hasPages) {
      return reply.header('cache-control', 'no-cache').sendFile('index.html');
    }
    return sendProblem(reply, siteError('NOT_FOUND'));
  });
}
