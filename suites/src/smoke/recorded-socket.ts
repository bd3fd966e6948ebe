/** A WebSocket of a node whose every frame, in both directions, stands in the journal. */
import type { SocketName } from '@muster/client';
import type { SocketClientFrame } from '@muster/contract';
import type { NodeHandle, ScenarioContext } from '@muster/lab';
import { Following } from '@muster/lab';
import type { Json } from '@muster/proof';
import { arrival } from '../nodes.ts';

interface Frame {
  readonly type: string;
  readonly payload?: string;
}

export interface RecordedSocket extends AsyncDisposable {
  send(frame: SocketClientFrame): void;
  /** a frame or not */
  sendText(text: string): void;
  /** Waits for a frame of this type; whether it came is for a claim to say. */
  frame(type: string, wanted?: (frame: Frame) => boolean): Promise<void>;
}

/** Received frames are observed on the stream `name` under their type. A refused socket ends the scenario with a failure. */
export async function openSocket(context: ScenarioContext, node: NodeHandle, name: SocketName): Promise<RecordedSocket> {
  const { record, clock, need } = context;
  const opening = node.client.socket(name, {}, { signal: context.signal });
  const opened = await record.operation({ process: node.name, surface: 'ws', op: name, input: {} }, () =>
    opening.then(
      () => ({ outcome: 'ok' as const, output: null }),
      (error: unknown) => ({ outcome: 'fail' as const, error: String(error) }),
    ),
  );
  await need(opened, `${node.name} opens ${name}`);
  const socket = await opening;
  const frames = new Following<Frame>(opened, clock, () => socket[Symbol.asyncDispose]());
  const read = async (): Promise<void> => {
    for await (const frame of socket) frames.arrived(record.observe(node.name, name, frame.type, frame as Json).seq, frame);
  };
  void read().then(
    () => frames.finished('closed'),
    (error: unknown) => frames.finished(String(error)),
  );
  const sendText = (text: string): void => {
    record.observe('lab', name, 'sent', { to: node.name, text });
    socket.sendText(text);
  };
  return {
    send: (frame) => sendText(JSON.stringify(frame)),
    sendText,
    frame: (type, wanted = () => true) => arrival(context, frames, `a frame ${type}`, (frame) => frame.type === type && wanted(frame)),
    [Symbol.asyncDispose]: () => frames[Symbol.asyncDispose](),
  };
}
