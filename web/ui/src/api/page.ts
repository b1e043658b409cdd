// Where the next page of a list begins, as a query.
export const after = (cursor: string | undefined, first = '?'): string =>
  cursor === undefined ? '' : `${first}cursor=${encodeURIComponent(cursor)}`;
