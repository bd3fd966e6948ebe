import { type NodeHandle, RawConnection, scenario, type ScenarioContext } from '@muster/lab';
import { claims } from '@muster/proof';
import { countersOf } from '../nodes.ts';
import { required } from './requirements.ts';
import { unharmed } from './unharmed.ts';

const ANSWER_MS = 3_000;
const MIB = 1_048_576;

/** Bytes, and the status with which they may be refused; being cut off is always right. */
interface Bad {
  readonly bytes: (authorization: string) => string;
  readonly refused: readonly number[];
}

const head = (authorization: string, ...lines: string[]): string => ['POST /publish HTTP/1.1', 'Host: 127.0.0.1', authorization, ...lines, '', ''].join('\r\n'); // prettier-ignore
const JSON_TYPE = 'Content-Type: application/json';
const sent = (authorization: string, body: string): string => `${head(authorization, JSON_TYPE, `Content-Length: ${body.length}`)}${body}`;
const smuggled = '{"topic":"smuggled","payload":"aGVsbG8="}';

const BAD: Readonly<Record<string, Bad>> = {
  garbage: { bytes: () => '\x16\x03\x01\x00\xff\xffnonsense\r\n\r\n', refused: [400] },
  'a-method-only': { bytes: () => 'GET\r\n\r\n', refused: [400] },
  'a-null-in-a-header': { bytes: (token) => head(token, 'X-Null: a\0b'), refused: [400] },
  'a-folded-header': { bytes: (token) => head(token, 'X-Folded: a', ' b', 'Content-Length: 0'), refused: [400, 415] },
  'a-long-head': { bytes: (token) => head(token, `X-Long: ${'a'.repeat(40_000)}`), refused: [431] },
  'many-headers': { bytes: (token) => head(token, ...Array.from({ length: 5_000 }, (_, i) => `X-${i}: 1`)), refused: [431] },
  'a-long-target': { bytes: (token) => `GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: 127.0.0.1\r\n${token}\r\n\r\n`, refused: [414] },
  'two-lengths': { bytes: (token) => `${head(token, JSON_TYPE, 'Content-Length: 2', 'Content-Length: 41')}${smuggled}`, refused: [400] },
  'a-length-and-chunks': {
    bytes: (token) => `${head(token, JSON_TYPE, 'Content-Length: 41', 'Transfer-Encoding: chunked')}0\r\n\r\n${smuggled}`,
    refused: [400],
  },
  'a-negative-length': { bytes: (token) => `${head(token, JSON_TYPE, 'Content-Length: -1')}${smuggled}`, refused: [400] },
  'a-bad-chunk': { bytes: (token) => `${head(token, JSON_TYPE, 'Transfer-Encoding: chunked')}zz\r\n${smuggled}\r\n0\r\n\r\n`, refused: [400] },
  'a-chunk-without-end': { bytes: (token) => `${head(token, JSON_TYPE, 'Transfer-Encoding: chunked')}ffffffffffffffffff\r\n`, refused: [400, 413] },
  'ten-gigabytes-announced': { bytes: (token) => head(token, JSON_TYPE, 'Content-Length: 10737418240'), refused: [413] },
  'a-body-too-long': { bytes: (token) => sent(token, `"${'a'.repeat(2 * MIB)}"`), refused: [413] },
  'a-deep-body': { bytes: (token) => sent(token, '['.repeat(MIB - 1)), refused: [400, 422] },
  'a-deep-object': { bytes: (token) => sent(token, '{"a":'.repeat(100_000)), refused: [400, 422] },
  'a-wide-body': { bytes: (token) => sent(token, `{${Array.from({ length: 60_000 }, (_, i) => `"k${i}":1`).join()}}`), refused: [422] },
  'a-giant-number': { bytes: (token) => sent(token, `{"topic":${'9'.repeat(100_000)},"payload":""}`), refused: [422] },
  'a-prototype': { bytes: (token) => sent(token, '{"__proto__":{"topic":"t","payload":""}}'), refused: [422] },
};

export const requests = scenario({
  id: 'hostile/requests',
  title: 'bytes that are no proper request',
  requirements: [required.requests.id, required.unharmed.id, required.memory.id],
  needs: { nodes: 1, powers: ['dial'], capabilities: ['messaging.publish', 'status.metrics'] },
  phases: {
    async drive(context) {
      const node = context.nodes[0]!;
      const before = await published(context, node);
      await unharmed(context, node, async () => {
        await Promise.all(Object.entries(BAD).map(([name, bad]) => send(context, node, name, bad)));
      });
      const after = await published(context, node);
      context.claim(
        'nothing-done',
        required.requests.id,
        'MUST',
        claims.equals({ seq: before.seq, at: PUBLISHED }, { seq: after.seq, at: PUBLISHED }),
        {
          title: 'nothing of it was published',
        },
      );
    },
  },
});

const PUBLISHED = '/data/by_users';

/** What the node says of itself in the meantime is no request's doing. */
async function published({ record }: ScenarioContext, node: NodeHandle) {
  const counters = await countersOf(node);
  const counted = (name: string): number => counters.get(name) ?? 0;
  const by_users = counted('gossip_publish_total') - counted('gossip_internal_publish_total');
  return record.observe(node.name, 'requests', 'published', { by_users });
}

async function send({ claim, record, eventually }: ScenarioContext, node: NodeHandle, name: string, { bytes, refused }: Bad): Promise<void> {
  await using connection = await RawConnection.open(node.target.address);
  connection.write(bytes(`Authorization: Bearer ${node.target.token}`));
  await eventually(`an end to ${name}`, () => connection.status !== undefined || connection.isClosed, ANSWER_MS);
  const { status = null, isClosed } = connection;
  const { seq } = record.observe(node.name, 'requests', name, { status, closed: isClosed, outcome: status ?? (isClosed ? 'cut off' : 'nothing') });
  claim(name, required.requests.id, 'MUST', claims.oneOf({ seq, at: '/data/outcome' }, [...refused, 'cut off']));
}
