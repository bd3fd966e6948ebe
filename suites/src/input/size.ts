import { buildRequest, registry } from '@muster/contract';
import { claims } from '@muster/proof';
import { MAX_PUBLISH_PAYLOAD_BYTES, MAX_SIGN_PAYLOAD_BYTES, toBase64 } from '@muster/protocol';
import { exercise } from '../exercise.ts';

export const size = exercise(
  {
    'input.largest': 'The largest payload that is documented is taken.',
    'input.too-large': 'A payload that is one byte larger is refused with 413, and the refusal says so.',
  },
  {
    id: 'input/size',
    title: 'the largest payload is taken, one byte more is not',
    needs: { nodes: 1, capabilities: ['messaging.publish', 'identity.sign'] },
    phases: {
      async drive(context) {
        const node = context.nodes[0]!;
        const largest = {
          'messaging.publish': { bytes: MAX_PUBLISH_PAYLOAD_BYTES, input: (payload: string) => ({ topic: context.topic('large'), payload }) },
          'identity.sign': { bytes: MAX_SIGN_PAYLOAD_BYTES, input: (payload_b64: string) => ({ payload_b64, context: 'size' }) },
        } as const;
        for (const [name, { bytes, input }] of Object.entries(largest)) {
          // Raw requests: what they hold does not fill the journal.
          const given = (length: number) => {
            const { method, target, body } = buildRequest(registry[name as keyof typeof largest], input(toBase64(new Uint8Array(length))));
            return node.raw(name, { method, target, body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });
          };
          const [taken, refused] = [await given(bytes), await given(bytes + 1)];
          context.claim(`${name}/largest`, 'input.largest', 'MUST', claims.status(taken, 200));
          context.claim(`${name}/too-large`, 'input.too-large', 'MUST', claims.status(refused, 413));
          const said = claims.matches({ op: refused.id, at: '/output/error' }, 'payload too large');
          context.claim(`${name}/named`, 'input.too-large', 'MUST', said);
        }
      },
    },
  },
);
