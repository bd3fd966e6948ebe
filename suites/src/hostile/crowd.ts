import { RawConnection, scenario } from '@muster/lab';
import { claims } from '@muster/proof';
import { required } from './requirements.ts';
import { served, unharmed } from './unharmed.ts';

/** beyond what the API takes at a time */
const CALLERS = 1_500;
const GROUP = 100;
const LEAST_ANSWERED = 500;
const ANSWER_MS = 5_000;
const REQUEST = 'GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n';
const TOLD = [200, 503];

export const crowd = scenario({
  id: 'hostile/crowd',
  title: 'more connections than a node takes',
  requirements: [required.crowd.id, required.unharmed.id, required.memory.id],
  needs: { nodes: 1, powers: ['dial'], capabilities: ['status.metrics'] },
  phases: {
    async drive(context) {
      const { claim, eventually, record } = context;
      const node = context.nodes[0]!;
      await unharmed(context, node, async () => {
        await using stack = new AsyncDisposableStack();
        const come = async (first: string): Promise<RawConnection[]> => {
          const callers: RawConnection[] = [];
          for (let group = 0; group < CALLERS; group += GROUP) {
            const more = await Promise.all(Array.from({ length: GROUP }, () => RawConnection.open(node.target.address)));
            for (const one of more) stack.use(one).write(first);
            callers.push(...more);
          }
          return callers;
        };
        // Each keeps its connection, so that there are ever more.
        const callers = await come(REQUEST);
        const isOver = (one: RawConnection): boolean => one.isClosed || one.status !== undefined;
        await eventually('all are answered or cut off', () => callers.every(isOver), ANSWER_MS);
        const strange = callers.filter((one) => !one.isClosed && !TOLD.includes(one.status ?? 0)).length;
        const answered = callers.filter(({ status }) => status === 200).length;
        const { seq } = record.observe(node.name, 'crowd', 'answers', { of: callers.length, answered, strange });
        claim('told', required.crowd.id, 'MUST', claims.equals({ seq, at: '/data/strange' }, 0), { title: 'each is served, told so, or cut off' });
        claim('some', required.crowd.id, 'MUST', claims.atLeast({ seq, at: '/data/answered' }, LEAST_ANSWERED), { title: 'many are served' });
        await served(context, node, 'in-the-crowd');
        // Nor may those that never ask keep anybody out.
        await come('');
        await served(context, node, 'among-the-silent');
        await stack.disposeAsync();
        await served(context, node, 'when-it-is-gone');
      });
    },
  },
});
