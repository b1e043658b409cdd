// Which recordings the fleet has: a hash per stream in the realtime Redis, a row per recording.
// Nodes write their own rows (RecordingRows); web and tools read and remove (RecordingDirectory).
import type { RedisClient } from '../../cluster/index.js';
import type { FleetClient } from '../control/fleet-client.js';
import type { RecordingEnd, RecordingKind, RecordingState } from './recording.js';

/** A recording as the fleet sees it. */
export interface RecordingRow {
  readonly id: string;
  readonly streamId: string;
  readonly nodeId: string;
  /** `http://host:port`; an empty host means the host of the site. Only this node serves it. */
  readonly urlBase: string;
  readonly startedAtMs: number;
  /** 0 while it is being recorded. */
  readonly durationMs: number;
  /** Of the file that can be played: the MP4 when `ready`, else the FLV; 0 while recording. */
  readonly bytes: number;
  readonly kind: RecordingKind;
  readonly recorder: string;
  /** `ready`: `/h/<prefix>/<streamId>/recordings/<id>.mp4` can be played. */
  readonly state: RecordingState;
  /** Why its file was closed. */
  readonly end?: RecordingEnd;
  /** Below the node's recording directory, without the extension. */
  readonly path: string;
}

function rowsKey(streamId: string): string {
  return `rtmp:{${streamId}}:recordings`;
}

/** Streams of which a node has recordings. */
function streamsKey(nodeId: string): string {
  return `rtmp:{recorded}:${nodeId}`;
}

export class RecordingRows {
  constructor(private readonly redis: RedisClient) {}

  async put(row: RecordingRow): Promise<void> {
    await this.redis.sadd(streamsKey(row.nodeId), row.streamId);
    await this.redis.hset(rowsKey(row.streamId), row.id, JSON.stringify(row));
  }

  async drop(nodeId: string, { streamId, id }: { streamId: string; id: string }): Promise<void> {
    await this.redis.hdel(rowsKey(streamId), id);
    const isEmpty = (await readRows(this.redis, streamId)).every((one) => one.nodeId !== nodeId);
    if (isEmpty) await this.redis.srem(streamsKey(nodeId), streamId);
  }

  /** Makes the node's rows exactly these. */
  async replace(nodeId: string, rows: readonly RecordingRow[]): Promise<void> {
    const ids = new Set(rows.map((one) => one.id));
    for (const streamId of await this.redis.smembers(streamsKey(nodeId))) {
      for (const row of await readRows(this.redis, streamId)) {
        if (row.nodeId === nodeId && !ids.has(row.id)) await this.drop(nodeId, row);
      }
    }
    for (const row of rows) await this.put(row);
  }
}

/** The reading side. */
export class RecordingDirectory {
  /** @param control for `remove`; from createRtmpControl */
  constructor(
    private readonly redis: RedisClient,
    private readonly control: Pick<FleetClient, 'removeRecording'>,
  ) {}

  /** Newest first. Rejects when Redis is away. */
  list(streamId: string): Promise<readonly RecordingRow[]> {
    return readRows(this.redis, streamId);
  }

  async find(streamId: string, id: string): Promise<RecordingRow | undefined> {
    return (await this.list(streamId)).find((one) => one.id === id);
  }

  /**
   * Has its node delete the files.
   * @returns false when no living node has it, or it is still being recorded
   */
  async remove(streamId: string, id: string): Promise<boolean> {
    return (await this.control.removeRecording(streamId, id)) > 0;
  }
}

async function readRows(redis: RedisClient, streamId: string): Promise<RecordingRow[]> {
  const rows = await redis.hvals(rowsKey(streamId));
  return rows
    .map((text) => JSON.parse(text) as RecordingRow)
    .sort((a, b) => b.startedAtMs - a.startedAtMs);
}
