// All that other folders may import from rtmp/: the list of live streams.
export { type LiveStreamRow, StreamDirectory } from './directory.js';
