/** A sabotaged command line: `cli-main.js SABOTEUR COMMAND [ARG…]` runs the real command and prints what the saboteur makes of it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { SABOTEURS } from './saboteurs.ts';

const [name, command, ...args] = process.argv.slice(2);
const saboteur = SABOTEURS.find((one) => one.name === name);
if (!saboteur?.prints || command === undefined) throw new Error('usage: cli-main.js SABOTEUR COMMAND [ARG…]; the saboteur prints something');
const child = spawn(command, args, { stdio: ['inherit', 'pipe', 'inherit'] });
const [printed, [code]] = await Promise.all([text(child.stdout), once(child, 'close') as Promise<[number | null]>]);
process.stdout.write(saboteur.prints(printed));
process.exitCode = code ?? 1;
