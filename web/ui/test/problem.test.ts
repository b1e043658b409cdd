// Refusals of the site as forms and pages show them.
import t from 'tap';
import { Problem, parseProblem, toProblem } from '../src/api/problem.js';

await t.test('field errors stand beside their fields', (t) => {
  const problem = parseProblem(400, {
    code: 'BAD_INPUT',
    detail: 'Some fields are not valid.',
    errors: [{ field: 'username', code: 'TAKEN', message: 'This name is taken.' }],
  });
  t.equal(problem.message, 'Some fields are not valid.');
  t.equal(problem.fieldError('username'), 'This name is taken.');
  t.equal(problem.fieldError('email'), undefined);
  t.end();
});

await t.test('an answer that is no problem document still has words', (t) => {
  for (const body of [undefined, null, 'gateway error', [], { errors: 7 }]) {
    const problem = parseProblem(502, body);
    t.equal(problem.code, 'HTTP_502');
    t.match(problem.message, /site has a problem/);
    t.same(problem.errors, []);
  }
  t.match(parseProblem(429, {}).message, /wait/);
  t.end();
});

await t.test('a lost connection is a problem of its own', (t) => {
  t.equal(toProblem(new TypeError('Failed to fetch')).code, 'OFFLINE');
  const problem = parseProblem(404, {});
  t.equal(toProblem(problem), problem);
  t.ok(problem instanceof Problem);
  t.end();
});
