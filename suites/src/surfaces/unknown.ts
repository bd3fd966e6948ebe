import { buildRequest, exampleInput } from '@muster/contract';
import { scenario } from '@muster/lab';
import { at, claims } from '@muster/proof';
import { toHex } from '@muster/protocol';
import { twoOf } from '../nodes.ts';
import { callsOf, socketsOf, undeclaredOf } from './plan.ts';
import { required } from './requirements.ts';
import { SocketCalls } from './socket.ts';

const { unknown } = required;
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
const DONE = 0;

export const unknownOperations = scenario({
  id: 'surfaces/unknown',
  title: 'what nobody declared is refused, on every surface',
  requirements: [unknown.id],
  needs: { nodes: 2, surfaces: ['cli', 'ws'] },
  phases: {
    async drive(context) {
      const { claim, random } = context;
      const [self] = twoOf(context);
      const nonsense = `no-such-${toHex(random.bytes(4))}`;

      for (const method of METHODS) {
        const answer = await self.raw('unknown', { method, target: `/${nonsense}`, ...(method !== 'GET' && { body: '{}' }) });
        claim(`path/${method}`, unknown.id, 'MUST', claims.status(answer, 404));
      }
      const stream = await self.raw('unknown', { method: 'GET', target: `/${nonsense}/events`, headers: { accept: 'text/event-stream' } });
      claim('path/stream', unknown.id, 'MUST', claims.status(stream, 404));

      // A path is known with some methods; the others are not offered by accident.
      const byPath = Map.groupBy(callsOf(context), ({ path }) => path.replaceAll(/:\w+/gu, ':'));
      for (const [path, calls] of byPath) {
        const free = METHODS.find((method) => calls.every((call) => call.method !== method));
        const { target } = buildRequest(calls[0]!, exampleInput(calls[0]!));
        if (free === undefined) continue;
        const answer = await self.raw('unknown', { method: free, target: target.split('?')[0]! });
        claim(`method/${free}${path.replace(/\/$/u, '')}`, unknown.id, 'MUST', claims.status(answer, 405));
      }

      for (const capability of undeclaredOf(context)) {
        const { method, target, body } = buildRequest(capability, exampleInput(capability));
        const carried = body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
        const answer = await self.raw(capability.name, { method, target, ...carried });
        claim(`undeclared/${capability.name}`, unknown.id, 'MUST', claims.status(answer, 404, 405), { title: 'what works is declared' });
      }

      const uses = { command: [nonsense], 'command-group': ['contacts', nonsense], option: ['status', `--${nonsense}`] };
      for (const [what, args] of Object.entries(uses)) {
        const answer = await self.command('unknown', args);
        claim(`cli/${what}`, unknown.id, 'MUST', claims.differs(at(answer, '/status'), DONE), {
          title: `the command line refuses an unknown ${what}`,
        });
        claim(`cli/${what}-named`, unknown.id, 'MUST', claims.includes(at(answer, '/error'), nonsense));
      }

      for (const socket of socketsOf(context)) {
        await using frames = await SocketCalls.open(context, self, socket);
        const refused = await frames.call('unknown', { type: nonsense });
        claim(`${socket.name}/refused`, unknown.id, 'MUST', claims.outcome(refused, 'fail'), { title: 'an unknown frame is refused' });
        const goesOn = await frames.call('unknown', { type: 'unsubscribe', topics: [context.topic('nothing')] });
        claim(`${socket.name}/goes-on`, unknown.id, 'MUST', claims.outcome(goesOn, 'ok'), { title: 'and the socket stays open' });
      }
    },
  },
});
