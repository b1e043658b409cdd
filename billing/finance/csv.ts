// Tables as RFC 4180 text: CRLF, quotes doubled. Used by reports and the site's statements.
// Invariant: no cell is a formula for a spreadsheet; only decimal numbers may begin with a sign.
const CRLF = '\r\n';

export function csvOf(rows: readonly (readonly string[])[]): string {
  return rows.map((row) => row.map(cell).join(',') + CRLF).join('');
}

function cell(text: string): string {
  const isNumber = /^-?\d+(\.\d+)?$/.test(text);
  const safe = !isNumber && /^[=+\-@\t\r|]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
