/** A run as it unfolds: one living line per scenario on a terminal, plain lines anywhere else. */
import type { ProgressEvent } from './progress-event.ts';

export interface ProgressStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  /** 0 where the terminal does not tell */
  readonly columns?: number;
}

export interface ProgressRenderer extends Disposable {
  /** an `Observer` */
  on(event: ProgressEvent): void;
}

const MARKS = { complete: '✓', stopped: '✗', crash: '✗', timeout: '✗', skipped: '–' } as const;
/** Live statuses that need no attention. */
const QUIET = new Set(['pass', 'skipped', 'notrun']);
const DEFAULT_COLUMNS = 80;

export function renderProgress(stream: ProgressStream): ProgressRenderer {
  const live = stream.isTTY === true;
  let drawn = false;
  let checks = 0;
  let troubled = 0;
  const clear = (): void => {
    if (drawn) stream.write('\r\u001b[2K');
    drawn = false;
  };
  const line = (text: string): void => {
    clear();
    stream.write(`${text}\n`);
  };
  const draw = (text: string): void => {
    if (!live) return;
    clear();
    stream.write(text.slice(0, (stream.columns || DEFAULT_COLUMNS) - 1));
    drawn = true;
  };

  const on = (event: ProgressEvent): void => {
    switch (event.type) {
      case 'planned': {
        const scenarios = event.plan.worlds.reduce((sum, world) => sum + world.scenarios.length, 0);
        line(`${count(scenarios, 'scenario')} in ${count(event.plan.worlds.length, 'world')}, seed ${event.seed}`);
        break;
      }
      case 'booting':
        draw(`… ${event.world.name}: booting ${count(event.world.nodes, 'node')}`);
        break;
      case 'booted':
        line(`  ${event.world.name}: ${count(event.world.nodes, 'node')}${event.bootMs === undefined ? '' : ` up in ${seconds(event.bootMs)}`}`);
        break;
      case 'begun':
        [checks, troubled] = [0, 0];
        draw(`… ${event.scenario.id}`);
        break;
      case 'checked': {
        checks += 1;
        const { result, scenario, check } = event;
        if (result && !QUIET.has(result.status)) {
          troubled += 1;
          line(`    ${result.status} ${scenario.id}/${check}: ${result.message}`);
        }
        draw(`… ${scenario.id}  ${count(checks, 'check')}`);
        break;
      }
      case 'ended': {
        const mark = event.outcome === 'complete' && troubled > 0 ? '✗' : MARKS[event.outcome];
        const outcome = event.outcome === 'complete' ? '' : ` ${event.outcome}${event.message === undefined ? '' : `: ${event.message}`}`;
        line(`${mark} ${event.scenario.id}  ${count(checks, 'check')}  ${seconds(event.ms)}${outcome}`);
        break;
      }
      case 'bundling':
        draw('… writing and signing the bundle');
        break;
      case 'finished':
        for (const { name, reason } of event.unsigned) line(`  ${name} did not sign: ${reason}`);
        line(`${event.report.verdict.outcome.toUpperCase()}  ${event.report.verdict.summary}`);
        line(`bundle ${event.bundle}`);
        break;
    }
  };
  return { on, [Symbol.dispose]: clear };
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

function seconds(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
