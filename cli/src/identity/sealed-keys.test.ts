import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkSealed, seal, type Seeds, unseal } from './sealed-keys.ts';

const SEED = { seed: 20261121 };
const QUICK = { memory: 8192, passes: 1, lanes: 1 };
const seeds: Seeds = {
  machine: new Uint8Array(32).fill(1),
  agent: new Uint8Array(32).fill(2),
  'agent-kem': new Uint8Array(64).fill(3),
};

/** As somebody does who knows the format, but not the passphrase. */
function forged(text: string, change: (body: string) => string): string {
  const body = change(text.split('\n').slice(0, 2).join('\n') + '\n');
  return `${body}${createHash('sha256').update(body).digest('hex')}\n`;
}

it('gives back what was sealed, for any keys and passphrase', async () => {
  const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
  const any = fc.record({ machine: bytes(32), agent: bytes(32), 'agent-kem': bytes(64), user: bytes(32) }, { requiredKeys: ['machine'] });
  await fc.assert(
    fc.asyncProperty(any, fc.string({ unit: 'binary', maxLength: 40 }), async (keys, passphrase) => {
      expect(await unseal(await seal(keys, passphrase, QUICK), passphrase)).toEqual(keys);
    }),
    { ...SEED, numRuns: 20 },
  );
});

it('seals with 64 MiB and 3 passes, differently each time, and shows no key', async () => {
  const [one, other] = [await seal(seeds, 'correct horse'), await seal(seeds, 'correct horse')];
  expect(one).toMatch(/^muster-identity-1 argon2id 65536 3 4 /u);
  expect(one.split('\n')[1]).not.toBe(other.split('\n')[1]);
  for (const seed of Object.values(seeds)) expect(one).not.toContain(Buffer.from(seed).toString('base64url').slice(0, 12));
});

it('opens what an earlier version sealed', async () => {
  const sealed =
    'muster-identity-1 argon2id 8192 1 2 gM4HUS5JVgwfAc8EGQX-Jg CzkPyUSwHuTuueOb\n' +
    'yK5uk7gO9re1G84mXVH4_tG-FsB0N1-R6dsuDUXEqmi7zxsH_Tfv_NvUEbsZgjtyzy6i-qmiog6PHcmb9ScwzZclnV9nqR-_4RuctNAPIZqM4iyT-C0w6pfmn4EvKy-vFfUpTSoIAmNUa22tkNu-b2rluXF-hVgRyPaISDiBv1jqizr6X_djNsLjduFWpym-f3qMab0glvjsbO3Fq0q5NR-XALntA5DkBEof42Pns__hdIbH4YowgAj8BSKeLcT21dlvqL9Xpjryf-FbKtrPNPynihQSNCmdCpGf_vSAfw_uE3_S\n' +
    '49a0fe232a57fa760d9202b567bebe8a25dd45226f92600489ba1c29fa9484dd\n';
  expect(await unseal(sealed, 'caf\u00e9 horse')).toEqual(seeds);
  // The same word as another keyboard makes it.
  expect(await unseal(sealed, 'cafe\u0301 horse')).toEqual(seeds);
});

describe('says what is wrong', () => {
  it('with the passphrase', async () => {
    await expect(unseal(await seal(seeds, 'right', QUICK), 'wrong')).rejects.toThrow(/^the passphrase is wrong /u);
  });

  it('with the file, whichever character of it was changed, or where it was cut', async () => {
    const sealed = await seal(seeds, 'right', QUICK);
    fc.assert(
      fc.property(fc.nat(sealed.length - 1), fc.constantFrom('A', '0', '\n', '~'), fc.boolean(), (at, by, cut) => {
        fc.pre(cut || sealed[at] !== by);
        const damaged = cut ? sealed.slice(0, at) : sealed.slice(0, at) + by + sealed.slice(at + 1);
        expect(() => checkSealed(damaged)).toThrow(/damaged|no exported identity|newer version/u);
      }),
      SEED,
    );
  });

  it('with a file that was changed on purpose, its parameters included', async () => {
    const sealed = await seal(seeds, 'right', QUICK);
    for (const change of [
      (body: string) => body.replace(/\n(.)/u, (_, first: string) => `\n${first === 'A' ? 'B' : 'A'}`),
      (body: string) => body.replace('8192 1 1', '8192 2 1'),
    ])
      await expect(unseal(forged(sealed, change), 'right')).rejects.toThrow(/^the passphrase is wrong .*on purpose/u);
  });

  it.each(['1048577 3 4', '8191 3 4', '65536 0 4', '65536 17 4', '65536 3 0', '65536 3 17'])(
    'with the parameters %s, before it computes',
    async (cost) => {
      const sealed = await seal(seeds, 'right', QUICK);
      expect(() => checkSealed(forged(sealed, (body) => body.replace('8192 1 1', cost)))).toThrow(
        /^it asks for argon2id with (memory|passes|lanes) \d+, outside/u,
      );
    },
  );
});
