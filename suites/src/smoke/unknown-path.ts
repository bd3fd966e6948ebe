import { at, claims } from '@muster/proof';
import { exercise } from '../exercise.ts';
import { twoOf } from '../nodes.ts';

export const unknownPath = exercise(
  {
    'access.unknown': 'An unknown path is refused with 404, a known path under another method with 405.',
    'access.token': 'Without its token a node refuses everything but what is open, unknown paths included, with 401.',
  },
  {
    id: 'smoke/unknown-path',
    title: 'what is not there is refused, and nothing is told without the token',
    needs: { nodes: 2, capabilities: ['status.health', 'identity.get'] },
    phases: {
      async drive(context) {
        const { claim } = context;
        const [alice] = twoOf(context);
        const ask = (method: string, target: string, token?: string | null) =>
          alice.raw('access', { method, target, ...(token !== undefined && { token }) });
        const [unknown, wrongMethod, tokenless, wrongToken, unknownTokenless, open] = await Promise.all([
          ask('GET', '/no/such/path'),
          ask('PUT', '/agent'),
          ask('GET', '/agent', null),
          ask('GET', '/agent', 'f'.repeat(64)),
          ask('GET', '/no/such/path', null),
          ask('GET', '/health', null),
        ]);
        claim('unknown', 'access.unknown', 'MUST', claims.status(unknown, 404));
        claim('unknown-says-nothing', 'access.unknown', 'MUST', claims.equals(at(unknown, '/output'), ''));
        claim('wrong-method', 'access.unknown', 'MUST', claims.status(wrongMethod, 405));
        claim('tokenless', 'access.token', 'MUST', claims.status(tokenless, 401));
        claim('wrong-token', 'access.token', 'MUST', claims.status(wrongToken, 401));
        claim('unknown-tokenless', 'access.token', 'MUST', claims.status(unknownTokenless, 401));
        claim('open', 'access.token', 'MUST', claims.status(open, 200));
      },
    },
  },
);
