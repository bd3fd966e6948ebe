import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cliForm, registry } from '@muster/contract';
import { expect, it } from 'vitest';
import { commandInput, refusalOf } from './command-input.ts';

const send = registry['direct.send'];

it('sends a file as its path, digest and size', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'muster-file-'));
  try {
    const file = join(folder, 'a.bin');
    await writeFile(file, 'hello');
    const form = { command: 'send-file', arguments: [{ field: 'path', label: 'FILE', as: 'file' }] } as const;
    expect(await commandInput(send, form, [file], {})).toEqual({ path: file, sha256: createHash('sha256').update('hello').digest('hex'), size: 5 });
    await expect(commandInput(send, form, [join(folder, 'missing')], {})).rejects.toThrow(/FILE: cannot read .*missing \(ENOENT\)/);
  } finally {
    await rm(folder, { recursive: true });
  }
});

it('types numbers and switches, and leaves the rest to the contract', async () => {
  const form = cliForm(send)!;
  const typed = (require_ack_ms: string) => commandInput(send, form, ['a1'.repeat(32), 'hi'], { require_ack_ms });
  expect(await typed('500')).toEqual({ agent_id: 'a1'.repeat(32), payload: 'aGk=', require_ack_ms: 500 });
  const refusal = refusalOf(send, await typed('soon'));
  expect(refusal).toMatchObject({ status: 422, text: expect.stringContaining('require_ack_ms') });
});
