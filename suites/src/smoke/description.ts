import { at, claims } from '@muster/proof';
import { exercise } from '../exercise.ts';
import { twoOf } from '../nodes.ts';

export const description = exercise(
  {
    'description.charter': 'The charter is told to anyone without a token, and as JSON with the same text.',
    'description.openapi': 'The node describes its API in OpenAPI 3.1, with every path that it is asked at here.',
    'description.metrics': 'The node tells its counters as OpenMetrics text, which ends with # EOF.',
  },
  {
    id: 'smoke/description',
    title: 'a node describes itself, its API and its counters',
    needs: { nodes: 2, capabilities: ['status.charter', 'status.charterJson', 'status.openapi', 'status.metrics'] },
    phases: {
      async drive(context) {
        const { claim } = context;
        const [alice] = twoOf(context);
        const [open, text, json, openapi, metrics] = await Promise.all([
          alice.raw('status.charter', { method: 'GET', target: '/constitution', token: null }),
          alice.rest('status.charter'),
          alice.rest('status.charterJson'),
          alice.rest('status.openapi'),
          alice.rest('status.metrics'),
        ]);
        claim('charter-open', 'description.charter', 'MUST', claims.status(open, 200));
        claim('charter-alike', 'description.charter', 'MUST', claims.equals(at(text, '/output'), at(json, '/output/content')));
        claim('openapi-version', 'description.openapi', 'MUST', claims.matches(at(openapi, '/output/openapi'), '^3\\.1\\.'));
        for (const path of ['/health', '/agent', '/publish', '/direct/send', '/contacts'])
          claim(`openapi${path}`, 'description.openapi', 'MUST', claims.exists(at(openapi, `/output/paths/${path.replaceAll('/', '~1')}`)));
        claim('metrics', 'description.metrics', 'MUST', claims.includes(at(metrics, '/output'), '\n# EOF\n'));
      },
    },
  },
);
