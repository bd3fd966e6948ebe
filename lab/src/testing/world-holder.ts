/** Holds a world of fake daemons and then ends in the way its argument says. For the lab's own tests. */
import { listenForInterrupt } from '../process/interrupt.ts';
import { systemClock } from '../clock.ts';
import { startLocalWorld } from '../world/local-process.ts';
import { fakeDaemon } from './fake-daemon.ts';

const [how] = process.argv.slice(2);
using interrupt = listenForInterrupt(systemClock.monotonic);
const interrupted = new Promise<void>((resolve) => interrupt.signal.addEventListener('abort', () => resolve(), { once: true }));
await using world = await startLocalWorld({ command: fakeDaemon('children'), nodes: ['one', 'two'] });
process.stdout.write(`${JSON.stringify({ directory: world.directory, pids: world.nodes.map((node) => node.process.pid) })}\n`);

if (how === 'throw') setImmediate(() => { throw new Error('thrown on purpose'); }); // prettier-ignore
if (how === 'exit') process.exit(0);
const open = setInterval(() => undefined, 1000);
await interrupted;
clearInterval(open);
