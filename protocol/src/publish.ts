/** A published message: the envelope's `to` is the topic, its payload the message as it is. */
import { utf8Length } from './bytes.ts';
import { MAX_PUBLISH_PAYLOAD_BYTES, MAX_TO_BYTES } from './constants.ts';
import { ProtocolError } from './errors.ts';

export type PublishErrorCode = 'empty_topic' | 'topic_too_long' | 'payload_too_large';

export class PublishError extends ProtocolError<PublishErrorCode> {
  override readonly name = 'PublishError';
}

/** A topic is 1 to 256 bytes of UTF-8. Throws `PublishError`. */
export function checkTopic(topic: string): void {
  if (topic === '') throw new PublishError('empty_topic', 'topic must not be empty');
  const length = utf8Length(topic);
  if (length > MAX_TO_BYTES) throw new PublishError('topic_too_long', `topic of ${length} bytes, at most ${MAX_TO_BYTES} allowed`);
}

/** Up to 256 KiB. Throws `PublishError`. */
export function checkPublishPayload(payload: Uint8Array): void {
  if (payload.length > MAX_PUBLISH_PAYLOAD_BYTES) {
    throw new PublishError('payload_too_large', `payload of ${payload.length} bytes, at most ${MAX_PUBLISH_PAYLOAD_BYTES} allowed`);
  }
}
