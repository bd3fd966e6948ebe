import { expect, test } from 'vitest';
import { lineLog } from '../../engines/log.ts';
import { HandClock } from '../../testing/hand-clock.ts';
import { Counters } from '../counters.ts';
import { logStatus } from './status-line.ts';

/** What a daemon of this log level writes in two minutes, with some messages in the first one. */
async function written(level: 'warn' | 'info', format: 'text' | 'json'): Promise<string[]> {
  const clock = new HandClock();
  const counters = new Counters();
  const lines: string[] = [];
  const log = lineLog({ write: (line) => lines.push(line.trimEnd()) }, level, format, clock.now);
  counters.add('gossip_publish_total', 5);
  const presence = { online: () => [{}, {}, {}] as never };
  const gauges = () => ({ process_resident_memory_bytes: 98_765_432 });
  using _status = logStatus({ clock, log, counters, links: { size: 2 }, presence, gauges });
  counters.add('gossip_publish_total', 7);
  counters.add('gossip_delivered_to_subscriber_total', 4);
  await clock.pass(60_000);
  await clock.pass(60_000);
  return lines;
}

test('once a minute a node says how it is, and what went through it since the last time', async () => {
  const [first, second, ...more] = (await written('info', 'json')).map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(first).toMatchObject({ level: 'info', message: 'node status', peers: 3, links: 2, published: 7, delivered: 4, memory_mb: 99 });
  expect(second).toMatchObject({ published: 0, delivered: 0 });
  expect(more).toEqual([]);
  expect((await written('info', 'text'))[0]).toContain('INFO  node status peers=3 links=2 published=7 received=0 delivered=4 direct_sent=0');
});

test('a node that was not asked to be talkative says nothing of it', async () => {
  expect(await written('warn', 'text')).toEqual([]);
});
