import { placeOf, RawConnection, scenario, type ScenarioContext, ScriptedPeer, type NodeHandle } from '@muster/lab';
import { claims } from '@muster/proof';
import { ARRIVAL_LIMIT_MS, twoOf } from '../nodes.ts';
import { untilLinked } from '../links/peers.ts';
import { required } from './requirements.ts';
import { served, unharmed } from './unharmed.ts';

/** ms in which a request's head or a handshake must be complete, and what the node may take to notice */
const PATIENCE_MS = 10_000;
const GRACE_MS = 3_000;
const EACH = 60;
const HALF_HANDSHAKES = 150;
const DRIP_MS = 500;
/** where strangers call from: another address of this host than the node's honest peers */
const ELSEWHERE = '127.0.0.2';
const DIAL_MS = 3_000;
/** A TLS record that announces a hello of 508 bytes, and its beginning. */
const HALF_A_HELLO = Uint8Array.of(0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03);

export const slow = scenario({
  id: 'hostile/slow',
  title: 'whoever begins and does not go on, at the API and at the door for peers',
  requirements: [required.slow.id, required.unharmed.id, required.memory.id],
  needs: { nodes: 2, powers: ['world', 'process'], capabilities: ['status.metrics'] },
  phases: {
    async drive(context) {
      const { clock, claim, eventually } = context;
      const [node, neighbour] = twoOf(context);
      await untilLinked(context, node, neighbour, ARRIVAL_LIMIT_MS);
      const { network, address } = await placeOf(node);
      const api = node.target.address;
      await unharmed(context, node, async () => {
        await using stack = new AsyncDisposableStack();
        const crowd = async (to: string, count: number, first: string | Uint8Array): Promise<RawConnection[]> => {
          const open = () => RawConnection.open(to, to === address ? ELSEWHERE : undefined);
          const all = await Promise.all(Array.from({ length: count }, open));
          for (const one of all) stack.use(one).write(first);
          return all;
        };
        const groups: Readonly<Record<string, RawConnection[]>> = {
          'silent-at-the-api': await crowd(api, EACH, ''),
          'dripping-heads': await crowd(api, EACH, 'GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n'),
          'silent-at-the-door': await crowd(address, EACH, ''),
          'half-handshakes': await crowd(address, HALF_HANDSHAKES, HALF_A_HELLO),
          'nonsense-at-the-door': await crowd(address, EACH, 'GET / HTTP/1.1\r\n\r\n'),
        };
        const begun = clock.monotonic();
        await served(context, node, 'meanwhile');
        await honestPeer(context, node, network, address);

        const left = (): number =>
          Object.values(groups)
            .flat()
            .filter(({ isClosed }) => !isClosed).length;
        const limit = PATIENCE_MS + GRACE_MS;
        let drips = 0;
        await eventually(
          'all are cut off',
          () => {
            // A byte now and then must not buy more time.
            if (clock.monotonic() - begun > DRIP_MS * (drips + 1)) for (const one of ((drips += 1), groups['dripping-heads']!)) one.write('X');
            return left() === 0;
          },
          limit,
        );
        for (const [name, group] of Object.entries(groups)) {
          const open = group.filter(({ isClosed }) => !isClosed).length;
          const { seq } = context.record.observe(node.name, 'slow', name, { of: group.length, open });
          claim(name, required.slow.id, 'MUST', claims.equals({ seq, at: '/data/open' }, 0), {
            title: `${name}: all are cut off within ${limit} ms`,
          });
        }
      });
    },
  },
});

/** A peer that means it is let in while the others stand in the door. */
async function honestPeer(
  { claim, clock, record }: ScenarioContext,
  node: NodeHandle,
  network: ConstructorParameters<typeof ScriptedPeer>[0]['network'],
  address: string,
): Promise<void> {
  await using honest = new ScriptedPeer({ network });
  const begun = clock.monotonic();
  const outcome = await honest.dial(address).then(
    () => 'linked',
    (error: unknown) => String(error),
  );
  const { seq } = record.observe(node.name, 'slow', 'honest peer', { outcome, ms: Math.round(clock.monotonic() - begun) });
  claim('honest-peer', required.unharmed.id, 'MUST', claims.equals({ seq, at: '/data/outcome' }, 'linked'), {
    title: 'an honest peer is let in meanwhile',
  });
  claim('honest-peer-soon', required.unharmed.id, 'MUST', claims.atMost({ seq, at: '/data/ms' }, DIAL_MS, 'ms'));
}
