import { claims } from '@muster/proof';
import { exercise } from '../exercise.ts';
import { namesProblem, refusedInputs, sampleOf } from '../input/cases.ts';
import { twoOf } from '../nodes.ts';

export const badInput = exercise(
  {
    'input.refused': 'Bad input is refused with the documented status.',
    'input.named': 'The refusal of bad input names the field or says what is wrong with the body.',
    'input.survived': 'A node that was given bad input goes on working.',
  },
  {
    id: 'smoke/bad-input',
    title: 'generated bad input is refused, one case of each capability and status',
    needs: { nodes: 2, capabilities: ['status.health'] },
    phases: {
      async drive({ claim, random, capabilities, nodes }) {
        const [alice] = twoOf({ nodes });
        for (const input of sampleOf(refusedInputs(capabilities), random)) {
          const { capability, title, request, expect } = input;
          const answer = await alice.raw(capability, request);
          const check = `${capability}-${expect.status}`;
          claim(check, 'input.refused', 'MUST', claims.status(answer, expect.status), { title });
          claim(`${check}-named`, 'input.named', 'MUST', namesProblem(answer, input), { title });
        }
        claim('still-healthy', 'input.survived', 'MUST', claims.status(await alice.rest('status.health'), 200));
      },
    },
  },
);
