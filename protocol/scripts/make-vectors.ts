/**
 * Writes `vectors/*.json`: usage `npm run vectors`. Running it again changes nothing: what is random (signatures, ciphertexts)
 * is made once and kept for as long as it holds for the same bytes.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { nodeCrypto } from './node-crypto.ts';
import { makeVectors, openVault } from './vectors.ts';

const folder = new URL('../../vectors/', import.meta.url);

function readOrNothing(name: string): unknown {
  try {
    return JSON.parse(readFileSync(new URL(name, folder), 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

const files = await makeVectors(nodeCrypto, openVault(nodeCrypto, readOrNothing('stored.json')));
for (const [name, content] of files) {
  const text = `${JSON.stringify(content, null, 2)}\n`;
  const changed = JSON.stringify(readOrNothing(name)) !== JSON.stringify(content);
  if (changed) writeFileSync(new URL(name, folder), text);
  process.stdout.write(`${changed ? 'wrote' : 'kept '} ${name}\n`);
}
