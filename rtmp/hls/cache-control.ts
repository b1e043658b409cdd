// What caches may do with answers of the HLS server.

/** Each playlist is one viewer's own: it carries their signature. */
export const PRIVATE = 'private, no-cache';
/** A segment never changes; caches may strip prefix and query from their key. */
export const FOR_EVER = 'public, max-age=3600, immutable';
