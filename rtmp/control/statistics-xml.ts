// Statistics in the XML tree of nginx-rtmp's rtmp_stat, so that its style sheets and exporters can
// read them. The nodes of the fleet appear as one server.

import type { NodeStatistics, SessionStatistics, StreamStatistics } from './statistics.js';

type Element = readonly [name: string, content: string | number | readonly Element[]];

export function statisticsXml(nodes: readonly NodeStatistics[]): string {
  const sessions = nodes.flatMap((node) => node.sessions);
  const streams = nodes.flatMap((node) => node.streams);
  const apps = [...new Set(sessions.map((one) => one.app).filter((app) => app !== ''))].sort();
  const root: Element = [
    'rtmp',
    [
      ['uptime', seconds(Math.max(0, ...nodes.map((node) => node.uptimeMs)))],
      ['naccepted', total(nodes.map((node) => node.acceptedConnections))],
      ['bw_in', total(sessions.map((one) => one.bpsIn))],
      ['bytes_in', total(nodes.map((node) => node.bytesIn))],
      ['bw_out', total(sessions.map((one) => one.bpsOut))],
      ['bytes_out', total(nodes.map((node) => node.bytesOut))],
      ['server', apps.map((app) => application(app, streams, sessions))],
    ],
  ];
  return `<?xml version="1.0" encoding="utf-8" ?>\n${render(root)}\n`;
}

function application(
  app: string,
  streams: readonly StreamStatistics[],
  sessions: readonly SessionStatistics[],
): Element {
  const own = sessions.filter((one) => one.app === app);
  // A stream is listed where it is published; its players hang on it, whatever their application.
  const published = streams.filter((one) => one.app === app);
  const live: Element[] = published.map((stream) => streamElement(stream, sessions));
  return [
    'application',
    [
      ['name', app],
      ['live', [...live, ['nclients', own.length]]],
    ],
  ];
}

function streamElement(stream: StreamStatistics, sessions: readonly SessionStatistics[]): Element {
  const own = sessions.filter((one) => one.streamId === stream.streamId);
  const publisher = own.filter((one) => one.kind === 'publish');
  return [
    'stream',
    [
      ['name', stream.streamId],
      ['time', stream.durationMs],
      ['bw_in', total(publisher.map((one) => one.bpsIn))],
      ['bytes_in', total(publisher.map((one) => one.bytesIn))],
      ['bw_out', total(own.map((one) => one.bpsOut))],
      ['bytes_out', total(own.map((one) => one.bytesOut))],
      ...own.map(clientElement),
      ['meta', mediaElements(stream)],
      ['nclients', own.length],
      ['publishing', []],
      ['active', []],
    ],
  ];
}

function clientElement(session: SessionStatistics): Element {
  const flags: Element[] = session.kind === 'publish' ? [['publishing', []]] : [];
  return [
    'client',
    [
      ['id', session.clientId],
      ['address', session.address],
      ['time', session.durationMs],
      ['flashver', session.flashVer],
      ['dropped', session.droppedTags],
      ['avsync', 0],
      ['timestamp', session.timestampMs],
      ...flags,
      ['active', []],
    ],
  ];
}

function mediaElements({ video, audio }: StreamStatistics): Element[] {
  const elements: Element[] = [];
  if (video !== undefined) {
    elements.push([
      'video',
      [
        ['width', video.width],
        ['height', video.height],
        ['frame_rate', video.fps],
        ['codec', 'H264'],
        ['profile', video.profileIdc],
        ['compat', 0],
        ['level', video.levelIdc / 10],
      ],
    ]);
  }
  if (audio !== undefined) {
    elements.push([
      'audio',
      [
        ['codec', audio.codec.toUpperCase()],
        ['profile', audio.codecString],
        ['channels', audio.channels],
        ['sample_rate', audio.sampleRateHz],
      ],
    ]);
  }
  return elements;
}

function render([name, content]: Element): string {
  if (typeof content === 'number') return `<${name}>${content}</${name}>`;
  if (typeof content === 'string') return `<${name}>${escape(content)}</${name}>`;
  if (content.length === 0) return `<${name}/>`;
  return `<${name}>\n${content.map(render).join('\n')}\n</${name}>`;
}

function escape(text: string): string {
  return text
    .replace(/[^\t\x20-\x7e\u00a0-\ufffd]/g, '?')
    .replace(/[<>&"']/g, (one) => `&#${one.charCodeAt(0)};`);
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}
