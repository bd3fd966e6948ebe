import type { Operation } from '@muster/lab';
import { claims } from '@muster/proof';
import { exercise } from '../exercise.ts';
import { namesProblem, type RefusedInput, refusedInputs, sampleOf } from './cases.ts';

/** commands at once: each is a process */
const AT_ONCE = 2;
/** exit code of a command that was refused */
const REFUSED = 1;

type Typed = RefusedInput & { readonly cli: readonly string[] };

export const cli = exercise(
  {
    'input.cli': 'A command with bad input ends with exit code 1.',
    'input.cli-named': 'A command with bad input names the field on its output.',
  },
  {
    id: 'input/cli',
    title: 'generated bad input is refused on the command line, one case of each capability and status',
    needs: { nodes: 1, surfaces: ['cli'] },
    phases: {
      async drive({ claim, capabilities, nodes, random }) {
        const node = nodes[0]!;
        const typed = refusedInputs(capabilities).filter((input): input is Typed => input.cli !== undefined);
        const sample = sampleOf(typed, random);
        const answers: { readonly input: Typed; readonly answer: Operation }[] = [];
        const left = sample.values();
        const worker = async (): Promise<void> => {
          for (const input of left) answers.push({ input, answer: await node.command(input.capability, input.cli) });
        };
        await Promise.all(Array.from({ length: AT_ONCE }, worker));
        for (const { input, answer } of answers) {
          const check = `${input.capability}-${input.expect.status}`;
          claim(check, 'input.cli', 'MUST', claims.status(answer, REFUSED), { title: input.title });
          claim(`${check}-named`, 'input.cli-named', 'MUST', namesProblem(answer, input), { title: input.title });
        }
      },
    },
  },
);
