// Headless Chromium for end-to-end tests, and the few things that they do on a page.
import { type Browser, chromium, type Page } from 'playwright-core';
import { type TestScope, until } from '../../cluster/testing/index.js';

export const PHONE = { width: 390, height: 844 };
export const DESKTOP = { width: 1440, height: 900 };

export async function startBrowser(t: TestScope, flags: readonly string[] = []): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--autoplay-policy=no-user-gesture-required',
      ...flags,
    ],
  });
  t.teardown(() => browser.close());
  return browser;
}

/** A page of its own profile; uncaught errors of the page are collected in `faults`. */
export async function openPage(
  browser: Browser,
  siteUrl: string,
  viewport = DESKTOP,
): Promise<{ page: Page; faults: string[] }> {
  const context = await browser.newContext({ viewport, baseURL: siteUrl });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(error.message));
  return { page, faults };
}

export async function logIn(
  page: Page,
  account: { username: string; password: string },
): Promise<void> {
  await page.goto('/login');
  await page.getByTestId('login-name').fill(account.username);
  await page.getByTestId('login-password').fill(account.password);
  await page.getByTestId('login-submit').click();
  await page.waitForURL((url) => !url.pathname.startsWith('/login'));
}

/** Node id of the gateway that this page is connected to; waits for a connection. */
export function gatewayOf(page: Page): Promise<string> {
  return until(() => page.evaluate<string>("document.documentElement.dataset.gateway ?? ''"), {
    everyMs: 100,
    what: 'the page is connected to a gateway',
  });
}

/** Resolves when the video has moved on by `seconds` of media time. */
export async function videoAdvances(page: Page, seconds = 1): Promise<void> {
  const position = (): Promise<number> =>
    page
      .getByTestId('video')
      .evaluate((element) => (element as unknown as { currentTime: number }).currentTime);
  const first = await until(position, {
    everyMs: 100,
    what: 'the video has started',
  });
  await until(async () => (await position()) >= first + seconds, {
    everyMs: 100,
    what: `the video has advanced by ${seconds} s`,
  });
}

export async function say(page: Page, text: string): Promise<void> {
  await page.getByTestId('chat-input').fill(text);
  await page.getByTestId('chat-send').click();
}

/** How often a text stands in the page's chat. */
export function timesInChat(page: Page, text: string): Promise<number> {
  return page.getByTestId('chat-list').getByText(text).count();
}

/** Shown balance in milli-credits. */
export async function shownBalance(page: Page): Promise<number> {
  const text = await page.getByTestId('balance').first().innerText();
  const digits = /-?[\d,]+(\.\d+)?/.exec(text)?.[0].replaceAll(',', '') ?? 'NaN';
  return Math.round(Number(digits) * 1_000);
}
