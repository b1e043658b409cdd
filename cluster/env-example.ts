// Writes the table of settings down as an env file. deploy/print-env-example.ts prints it, and a
// test compares deploy/env.example with it, so that file and table cannot part.
import { settingRows } from './config.js';

type Row = ReturnType<typeof settingRows>[number];

/**
 * The text of deploy/env.example: every variable with its sentence, range, unit and default.
 * Variables with a default are commented out; required ones stand empty. Lines are at most 100
 * characters long.
 */
export function envExample(): string {
  const rows = settingRows();
  const groups = [...new Set(rows.map((row) => row.group))];
  const parts = groups.map((group) => {
    const entries = rows.filter((row) => row.group === group).map(entry);
    return [`## ${group}`, '', ...entries].join('\n');
  });
  return [HEAD, ...parts].join('\n');
}

const HEAD = `# Settings of Showbill, read by every role from its environment. Generated from the table in
# cluster/config.ts by: npx tsx deploy/print-env-example.ts > deploy/env.example
`;

function entry(row: Row): string {
  const words = [row.range, ...(row.unit === undefined ? [] : [row.unit])].join(' ');
  const about = row.secret ? `${words}, secret` : words;
  return [...wrap(row.doc), `(${about})`]
    .map((line) => `# ${line}`)
    .concat(assignment(row), '')
    .join('\n');
}

/** Defaults hold no secrets: those of secret variables are addresses without a password. */
function assignment({ env, fallback }: Row): string {
  if (fallback === undefined) return `${env}=`;
  const value = defaultAsText(fallback);
  // Readable by shells, systemd and compose alike.
  return `#${env}=${/[^\w.,:/*@+-]/.test(value) ? `"${value}"` : value}`;
}

/** A default as it would stand in the environment. */
export function defaultAsText(fallback: unknown): string {
  if (Array.isArray(fallback)) return fallback.join(',');
  return typeof fallback === 'string' ? fallback : JSON.stringify(fallback);
}

function wrap(text: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > 96) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}
