/** Log lines to a stream, one per line, as text or JSON. */
import type { Log, LogLevel } from '../ports/index.ts';

const ORDER: Record<LogLevel, number> = { error: 0, warn: 1, info: 2, debug: 3 };

export interface LineSink {
  write(line: string): unknown;
}

export function lineLog(sink: LineSink, level: LogLevel, format: 'text' | 'json', now: () => number = Date.now): Log {
  return {
    write(lineLevel, message, fields) {
      if (ORDER[lineLevel] > ORDER[level]) return;
      const time = new Date(now()).toISOString();
      sink.write(
        format === 'json'
          ? `${JSON.stringify({ time, level: lineLevel, message, ...fields })}\n`
          : `${time} ${lineLevel.toUpperCase().padEnd(5)} ${oneLine(message)}${textFields(fields)}\n`,
      );
    },
  };
}

function textFields(fields: Readonly<Record<string, unknown>> | undefined): string {
  return Object.entries(fields ?? {})
    .map(([key, value]) => ` ${key}=${oneLine(typeof value === 'string' ? value : JSON.stringify(value))}`)
    .join('');
}

/** A peer chooses some of these strings: it must not be able to start a line of its own. */
function oneLine(text: string | undefined): string {
  // oxlint-disable-next-line no-control-regex
  return (text ?? 'undefined').replace(/[\u0000-\u001f\u007f-\u009f]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
