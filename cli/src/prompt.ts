/** Questions to the person at the terminal. They go to standard error, so that answers of programs stay clean. */
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { EXIT_INTERRUPTED, Failure } from './failure.ts';

export const atTerminal = (): boolean => process.stdin.isTTY === true && process.stderr.isTTY === true;

/** @throws Failure when the person turns away (Ctrl-C, Ctrl-D) */
export async function ask(question: string): Promise<string> {
  const [answer] = await conversation(process.stderr, async (answerTo) => [await answerTo(question)]);
  return answer!;
}

/** One answer to each question; what is typed is not shown. @throws Failure when the person turns away (Ctrl-C, Ctrl-D) */
export function askHidden(...questions: readonly string[]): Promise<string[]> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  // One conversation: between two of them the terminal would show what is typed early.
  return conversation(nowhere, async (answerTo) => {
    const answers: string[] = [];
    for (const question of questions) {
      const answer = answerTo('');
      process.stderr.write(question);
      answers.push(await answer.finally(() => process.stderr.write('\n')));
    }
    return answers;
  });
}

type AnswerTo = (question: string) => Promise<string>;

async function conversation(output: NodeJS.WritableStream, talk: (answerTo: AnswerTo) => Promise<string[]>): Promise<string[]> {
  const reader = createInterface({ input: process.stdin, output, terminal: true, historySize: 0 });
  const { promise: left, reject: leave } = Promise.withResolvers<never>();
  left.catch(() => undefined);
  const turnsAway = (): void => leave(new Failure('interrupted; nothing was done', EXIT_INTERRUPTED));
  reader.once('SIGINT', turnsAway).once('close', turnsAway);
  try {
    return await talk((question) => Promise.race([reader.question(question), left]));
  } finally {
    reader.close();
  }
}
