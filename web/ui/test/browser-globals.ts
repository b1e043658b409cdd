// What browser modules find around them when a test runs them in Node: a window that listens, no
// storage, and `fetch` of this site's addresses at a server of the test.
const events = new EventTarget();

export function standInBrowser(siteUrl: string): void {
  const page = Object.assign(events, {
    setTimeout,
    clearTimeout,
    setInterval,
    clearInterval,
  });
  const network = globalThis.fetch;
  Object.assign(globalThis, {
    window: page,
    document: Object.assign(new EventTarget(), { visibilityState: 'visible' }),
    location: new URL(siteUrl),
    fetch: (path: string, init?: RequestInit) => network(new URL(path, siteUrl), init),
  });
}
