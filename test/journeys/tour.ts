// One traveller's browser at one width: at each stop of the way the page is searched for what
// keeps people out (axe-core), for sideways scrolling, and is pictured when pictures are asked for.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import axe from 'axe-core';
import type { BrowserContext, Locator, Page } from 'playwright-core';
import { type TestScope, until } from '../../cluster/testing/index.js';
import { DESKTOP, PHONE } from '../../bench/testing/browser.js';
import type { House, Login } from './house.js';

export interface View {
  readonly name: 'phone' | 'desktop';
  readonly viewport: { readonly width: number; readonly height: number };
  readonly scheme: 'dark' | 'light';
}

export const VIEWS: readonly [View, View] = [
  { name: 'phone', viewport: PHONE, scheme: 'dark' },
  { name: 'desktop', viewport: DESKTOP, scheme: 'light' },
];

/** The narrowest window that the pages promise to fit. */
const WIDTH_MIN = 360;
const SCHEMES = ['dark', 'light'] as const;

interface Violation {
  readonly id: string;
  readonly impact: string | null;
  readonly nodes: readonly { readonly target: readonly unknown[]; readonly html: string }[];
}

/** The part of a tap test that a journey uses. */
export type Judge = TestScope & {
  same: (found: unknown, wanted: unknown, name: string) => unknown;
};

export class Tour {
  private stops = 0;

  private constructor(
    private readonly t: Judge,
    readonly house: House,
    readonly who: string,
    readonly view: View,
    readonly context: BrowserContext,
    readonly page: Page,
    private readonly faults: string[],
  ) {}

  static async begin(
    t: Judge,
    { house, who, view }: { house: House; who: string; view: View },
  ): Promise<Tour> {
    const context = await house.browser.newContext({
      viewport: view.viewport,
      hasTouch: view.name === 'phone',
      isMobile: view.name === 'phone',
      colorScheme: view.scheme,
      reducedMotion: 'reduce',
      baseURL: house.cluster.siteUrl,
      locale: 'en-GB',
      permissions: ['camera', 'microphone', 'clipboard-read', 'clipboard-write'],
    });
    context.setDefaultTimeout(60_000);
    const faults: string[] = [];
    context.on('weberror', (error) => faults.push(error.error().message));
    const tour = new Tour(t, house, who, view, context, await context.newPage(), faults);
    t.teardown(() => context.close());
    return tour;
  }

  /** Nothing that the pages threw; the browser is put away. */
  async end(): Promise<void> {
    this.t.same(this.faults, [], `no error in the pages of ${this.who}`);
    await this.context.close();
  }

  /** Pictures what was there instead of what was waited for. */
  async fail(thrown: unknown): Promise<never> {
    const { shotsDir } = this.house;
    const pages = shotsDir === '' ? [] : this.context.pages();
    for (const [at, page] of pages.entries()) {
      const path = join(shotsDir, `${this.who}-${this.view.name}-failed-${at}.png`);
      await page.screenshot({ path, fullPage: true }).catch(() => undefined);
    }
    throw thrown;
  }

  byId(id: string): Locator {
    return this.page.getByTestId(id);
  }

  button(name: string | RegExp): Locator {
    return this.page.getByRole('button', { name, exact: typeof name === 'string' });
  }

  field(label: string): Locator {
    return this.page.getByLabel(label, { exact: true });
  }

  async logIn({ username, password }: Login, next = '/'): Promise<void> {
    await this.page.goto(`/login?next=${encodeURIComponent(next)}`);
    await this.byId('login-name').fill(username);
    await this.byId('login-password').fill(password);
    await this.byId('login-submit').click();
    await this.page.waitForURL((url) => !url.pathname.startsWith('/login'));
  }

  until(what: string, condition: () => Promise<boolean>): Promise<true> {
    return until(condition, { what, deadlineMs: 90_000, everyMs: 150 });
  }

  /** Waits until the balance in the masthead is this many whole credits or another test holds. */
  async balance(holds: (milli: number) => boolean, what: string): Promise<void> {
    const chip = this.byId('balance').first();
    await this.until(what, async () => holds(Number(await chip.getAttribute('data-milli'))));
  }

  /** Two presses before the page can answer the first one. */
  async pressTwice(id: string): Promise<void> {
    await this.byId(id).click({ trial: true });
    await this.byId(id).evaluate((element) => {
      const button = element as unknown as { click: () => void };
      button.click();
      button.click();
    });
  }

  counts(found: number, wanted: number, name: string): void {
    this.t.same(found, wanted, name);
  }

  same(found: string | null, wanted: string, name: string): void {
    this.t.same(found, wanted, name);
  }

  async say(text: string): Promise<void> {
    await this.byId('chat-input').fill(text);
    await this.byId('chat-send').click();
  }

  line(text: string): Locator {
    return this.byId('chat-list').locator('.line', { hasText: text });
  }

  /** Checks and, when asked for, pictures what is on the page now. */
  async stop(name: string, page: Page = this.page): Promise<void> {
    this.stops += 1;
    const { shotsDir } = this.house;
    await this.search(name, page);
    if (this.view.name === 'phone') await this.fits(name, page);
    if (shotsDir === '') return;
    mkdirSync(shotsDir, { recursive: true });
    const number = String(this.stops).padStart(2, '0');
    for (const scheme of SCHEMES) {
      await page.emulateMedia({ colorScheme: scheme });
      await page.evaluate(
        'new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))',
      );
      const file = `${this.who}-${this.view.name}-${number}-${name}-${scheme}.png`;
      const isRoom = new URL(page.url()).pathname.startsWith('/r/');
      const isDialog = (await page.locator('dialog[open]').count()) > 0;
      const fullPage = !isRoom && !isDialog;
      if (fullPage) await page.evaluate('scrollTo(0, 0)');
      await page.screenshot({ path: join(shotsDir, file), fullPage });
      if (scheme !== this.view.scheme) await this.search(`${name} (${scheme})`, page);
    }
    await page.emulateMedia({ colorScheme: this.view.scheme });
  }

  private async search(name: string, page: Page): Promise<void> {
    const hasAxe = await page.evaluate<boolean>("typeof globalThis.axe === 'object'");
    if (!hasAxe) await page.evaluate(`{ const module = undefined; ${axe.source} }`);
    const found = await page.evaluate<Violation[]>(`globalThis.axe
      .run(document, { resultTypes: ['violations'] })
      .then(({ violations }) => violations.map(({ id, impact, nodes }) => ({ id, impact,
        nodes: nodes.map(({ target, html }) => ({ target, html })) })))`);
    const grave = found
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(' | ')}`);
    this.t.same(grave, [], `${name}: nothing serious for axe-core`);
  }

  private async fits(name: string, page: Page): Promise<void> {
    const { width, height } = this.view.viewport;
    await page.setViewportSize({ width: WIDTH_MIN, height });
    const wide = await page.evaluate<number>('document.documentElement.scrollWidth');
    await page.setViewportSize({ width, height });
    this.t.same(wide > WIDTH_MIN ? wide : WIDTH_MIN, WIDTH_MIN, `${name}: fits ${WIDTH_MIN} px`);
  }
}
