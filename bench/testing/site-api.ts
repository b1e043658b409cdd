// A visitor of the site's REST API with a cookie jar, for what a test does beside the browser.

/** One logged-in (or anonymous) caller. Cookies are kept; every call carries the CSRF header. */
export class SiteVisitor {
  private readonly cookies = new Map<string, string>();

  constructor(private readonly siteUrl: string) {}

  /** Status and parsed body; an empty body is undefined. */
  async call(
    method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE',
    path: string,
    body?: unknown,
  ): Promise<{ status: number; body: unknown }> {
    const response = await fetch(`${this.siteUrl}/api/v1${path}`, {
      method,
      headers: {
        'x-showbill': '1',
        cookie: [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; '),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      this.cookies.set(name, value);
    }
    const text = await response.text();
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
  }

  async logIn(account: { username: string; password: string }): Promise<void> {
    const { username: login, password } = account;
    const { status, body } = await this.call('POST', '/auth/login', { login, password });
    if (status !== 200) throw new Error(`login answered ${status}: ${JSON.stringify(body)}`);
  }
}
