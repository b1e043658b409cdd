// ffmpeg as a broadcaster: a test pattern over the real RTMP path, until it is stopped or refused.
import { spawn } from 'node:child_process';
import type { LocalCluster } from '../../bench/testing/local-cluster.js';

export interface Publisher {
  readonly ended: Promise<{ code: number | null; output: string }>;
  stop(): Promise<void>;
}

/** Publishes 320 × 180 at 25 fps with a key frame each second, at most 5 minutes. */
export function publish(cluster: LocalCluster, streamKey: string): Publisher {
  const child = spawn(
    'ffmpeg',
    [
      ...['-hide_banner', '-nostdin', '-re', '-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=25'],
      ...['-f', 'lavfi', '-i', 'sine=frequency=330:sample_rate=48000', '-t', '300'],
      ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-g', '25'],
      ...['-pix_fmt', 'yuv420p', '-c:a', 'aac', '-b:a', '64k', '-ac', '2'],
      ...['-f', 'flv', `rtmp://127.0.0.1:${cluster.ports.rtmp}/publish/${streamKey}`],
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let output = '';
  child.stderr.on('data', (data: Buffer) => (output += data.toString()));
  const ended = new Promise<{ code: number | null; output: string }>((resolve) => {
    child.once('close', (code) => resolve({ code, output }));
  });
  return {
    ended,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
