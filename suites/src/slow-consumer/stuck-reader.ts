/** A reader of `/events` that opens the stream and reads nothing until it is told to. */
import { httpTransport } from '@muster/client';
import { registry } from '@muster/contract';
import type { NodeHandle } from '@muster/lab';

/** What a reader got of one topic: whole messages by text, and what it was told that it lost. */
interface Heard {
  readonly messages: number;
  readonly copies: number;
  readonly missed: number;
}

export interface StuckReader extends AsyncDisposable {
  /** Reads from now on. @returns what it has so far, whenever asked */
  read(): () => Heard;
}

/** @throws Error when the stream does not open */
export async function openUnread(node: NodeHandle, topic: string, signal: AbortSignal): Promise<StuckReader> {
  const { method, path } = registry['messaging.events'];
  const transport = node.target.transport?.() ?? httpTransport(`http://${node.target.address}`);
  const headers = { authorization: `Bearer ${node.target.token}`, accept: 'text/event-stream' };
  const stream = await transport.stream({ method, target: path, headers }, signal);
  if (stream.status !== 200) throw new Error(`${node.name} refused its events: ${stream.status}`);
  return {
    read() {
      const seen = new Set<string>();
      const heard = { messages: 0, copies: 0, missed: 0 };
      const take = (type: string, data: { topic: string; payload?: string; count?: number }): void => {
        if (data.topic !== topic) return;
        if (type === 'missed') heard.missed += data.count ?? 0;
        else if (seen.has(data.payload ?? '')) heard.copies++;
        else heard.messages = seen.add(data.payload ?? '').size;
      };
      // The end of it is whoever closed it.
      readBlocks(stream.chunks, take).catch(() => {});
      return () => ({ ...heard });
    },
    async [Symbol.asyncDispose]() {
      stream.close();
      await transport[Symbol.asyncDispose]();
    },
  };
}

type Take = (type: string, data: { topic: string; payload?: string; count?: number }) => void;

async function readBlocks(chunks: AsyncIterable<Uint8Array>, take: Take): Promise<void> {
  const decoder = new TextDecoder();
  let waiting: string[] = [];
  for await (const chunk of chunks) {
    const text = decoder.decode(chunk, { stream: true });
    const end = text.lastIndexOf('\n\n');
    if (end < 0) {
      waiting.push(text);
      continue;
    }
    const whole = [...waiting, text.slice(0, end)].join('');
    waiting = [text.slice(end + 2)];
    for (const block of whole.split('\n\n')) {
      const data = block.split('\n').find((line) => line.startsWith('data: '));
      if (data === undefined) continue;
      const { type, data: inner } = JSON.parse(data.slice('data: '.length)) as { type: string; data: Parameters<Take>[1] };
      take(type, inner);
    }
  }
}
