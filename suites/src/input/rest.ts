import { claims } from '@muster/proof';
import { exercise } from '../exercise.ts';
import { namesProblem, refusedInputs } from './cases.ts';

export const rest = exercise(
  {
    'input.rest': 'Every generated bad request is refused with the documented status.',
    'input.rest-named': 'Every refusal of a bad request names the field or says what is wrong with the body.',
    'input.rest-survived': 'After every bad request the node is as healthy as before.',
  },
  {
    id: 'input/rest',
    title: 'all generated bad requests are refused',
    needs: { nodes: 1, capabilities: ['status.health'] },
    phases: {
      async drive({ claim, capabilities, nodes }) {
        const node = nodes[0]!;
        for (const [index, input] of refusedInputs(capabilities).entries()) {
          const { capability, title, request, expect } = input;
          const answer = await node.raw(capability, request);
          const check = `${capability}/${index + 1}`;
          claim(`${check}/status`, 'input.rest', 'MUST', claims.status(answer, expect.status), { title });
          claim(`${check}/named`, 'input.rest-named', 'MUST', namesProblem(answer, input), { title });
        }
        claim('still-healthy', 'input.rest-survived', 'MUST', claims.status(await node.rest('status.health'), 200));
      },
    },
  },
);
