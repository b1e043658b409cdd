// The README lists exactly the problem codes of the table, each under its status.
import { readFile } from 'node:fs/promises';
import t from 'tap';
import { errorTable } from '../errors.js';

t.test('the README and the table of problems are equal', async (t) => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
  const documented = [...readme.matchAll(/^\| (\d{3}) \| (.*) \|$/gm)].flatMap(
    ([, status, codes = '']) =>
      [...codes.matchAll(/`(\w+)`/g)].map(([, code]) => `${status} ${code}`),
  );
  const actual = Object.entries(errorTable).map(([code, row]) => `${row.http} ${code}`);
  t.same(documented.sort(), actual.sort());
});
