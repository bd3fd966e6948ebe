import { mkdir, readdir, readFile, rename, symlink, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attestationPath, bagInfoPath, bagitPath, journalPath, manifestPath, reportPath, tagManifestPath } from './bundle-layout.ts';
import { aliceSigner, attestationOf, edit, rehash, resign, retag, runner, smallJournal, stranger, Workshop } from './bundle.test-helper.ts';
import { takeInventory } from './bundle.ts';
import { Redactor } from './redaction.ts';
import { keyIdOf } from './attestation.ts';
import { TestJournal } from './journal.test-helper.ts';
import { documentText } from './report.ts';
import { verifyBundle } from './verify.ts';

let workshop: Workshop;
let pristine: string;

beforeAll(async () => {
  workshop = await Workshop.open();
  pristine = await workshop.bundle();
});
afterAll(() => workshop[Symbol.asyncDispose]());

/** The card check made to pass, wherever the report says otherwise. */
const whitewashed = (text: string) => {
  const report = JSON.parse(text) as { verdict: Record<string, unknown> & { rows: { status: string; blame?: string }[] } };
  for (const row of report.verdict.rows) {
    row.status = 'pass';
    delete row.blame;
  }
  Object.assign(report.verdict, { outcome: 'passed', exitCode: 0, counts: { ...(report.verdict['counts'] as object), pass: 2, fail: 0 } });
  return documentText(report);
};

describe('an untouched bundle', () => {
  it('is accepted, and its exit code is that of its verdict', async () => {
    const verification = await verifyBundle(pristine, { trustedKey: runner.publicKey });
    expect(verification.findings).toEqual([]);
    expect(verification).toMatchObject({ accepted: true, trusted: true, exitCode: 1, verdict: { outcome: 'failed', blame: 'target' } });
    expect(verification.signers.map(({ role, name }) => `${role} ${name}`)).toEqual(['runner runner', 'node alice']);
  });

  it('is accepted without a key, but not trusted', async () => {
    expect(await verifyBundle(pristine)).toMatchObject({ accepted: true, trusted: false });
  });

  it('names a place that holds no bundle as a usage error', async () => {
    expect(await verifyBundle(join(workshop.folder, 'nowhere'))).toMatchObject({ exitCode: 4, findings: [{ code: 'not-a-bundle' }] });
    expect(await verifyBundle(workshop.folder)).toMatchObject({ exitCode: 4, findings: [{ code: 'not-a-bundle' }] });
  });
});

describe('a tampered bundle', () => {
  interface Tampering {
    readonly what: string;
    readonly how: (bundle: string) => Promise<unknown>;
    /** `code file` of findings that must be among those reported */
    readonly found: readonly string[];
    readonly key?: Uint8Array;
  }

  const reordered = (text: string) => `${text.trimEnd().split('\n').toReversed().join('\n')}\n`;
  const crlf = (text: string) => text.replaceAll('\n', '\r\n');

  const table: readonly Tampering[] = [
    {
      what: 'byte of a log changed',
      how: (b) => edit(b, 'data/logs/alice.log', (t) => t.replace('l', 'L')),
      found: ['changed-file data/logs/alice.log'],
    },
    {
      what: 'byte of the journal changed',
      how: (b) => edit(b, journalPath, (t) => t.replace('"status":500', '"status":200')),
      found: ['changed-file data/journal.jsonl'],
    },
    {
      what: 'byte of the HTML report changed',
      how: (b) => edit(b, 'data/report.html', (t) => t.replace('failed', 'passed')),
      found: ['changed-file data/report.html', 'document-does-not-follow data/report.html'],
    },
    {
      what: 'bagit.txt changed',
      how: (b) => edit(b, bagitPath, (t) => t.replace('1.0', '0.9')),
      found: ['changed-file bagit.txt', 're-serialised bagit.txt'],
    },
    { what: 'file added to the payload', how: (b) => writeFile(join(b, 'data/logs/extra.log'), 'x'), found: ['added-file data/logs/extra.log'] },
    { what: 'file added beside the payload', how: (b) => writeFile(join(b, 'README'), 'x'), found: ['added-file README'] },
    {
      what: 'log added and re-hashed',
      how: async (b) => (await writeFile(join(b, 'data/logs/extra.log'), 'x'), rehash(b)),
      found: ['other-files attestation.dsse.json'],
    },
    { what: 'folder added', how: (b) => mkdir(join(b, 'data/more')), found: ['irregular-file data/more'] },
    { what: 'log missing', how: (b) => unlink(join(b, 'data/logs/alice.log')), found: ['missing-file data/logs/alice.log'] },
    { what: 'journal missing', how: (b) => unlink(join(b, journalPath)), found: ['missing-file data/journal.jsonl'] },
    { what: 'manifest missing', how: (b) => unlink(join(b, manifestPath)), found: ['missing-file manifest-sha256.txt'] },
    { what: 'tag manifest missing', how: (b) => unlink(join(b, tagManifestPath)), found: ['missing-file tagmanifest-sha256.txt'] },
    {
      what: 'attestation missing',
      how: (b) => unlink(join(b, attestationPath)),
      found: ['missing-file attestation.dsse.json', 'bad-attestation attestation.dsse.json'],
    },
    {
      what: 'attestation missing and re-tagged',
      how: async (b) => (await unlink(join(b, attestationPath)), retag(b)),
      found: ['missing-file attestation.dsse.json'],
    },
    {
      what: 'journal edited and re-hashed',
      how: async (b) => (await edit(b, journalPath, (t) => t.replace('"status":500', '"status":200')), rehash(b)),
      found: ['other-files attestation.dsse.json', 'verdict-does-not-follow data/proof-report.json'],
    },
    {
      what: 'journal line reformatted and re-signed',
      how: async (b) => (await edit(b, journalPath, (t) => t.replace('{"seq":2,', '{ "seq":2,')), resign(b, runner)),
      found: ['journal-unreadable data/journal.jsonl'],
    },
    {
      what: 'journal line taken out and re-signed',
      how: async (b) => (await edit(b, journalPath, (t) => t.split('\n').toSpliced(3, 1).join('\n')), resign(b, runner)),
      found: ['journal-unreadable data/journal.jsonl'],
    },
    {
      what: 'journal torn',
      how: (b) => edit(b, journalPath, (t) => t.slice(0, -10)),
      found: ['changed-file data/journal.jsonl', 'journal-unreadable data/journal.jsonl'],
    },
    {
      what: 'journal torn and re-signed',
      how: async (b) => (await edit(b, journalPath, (t) => t.slice(0, -10)), resign(b, runner)),
      found: ['journal-unreadable data/journal.jsonl'],
    },
    {
      what: 'last line cut and re-signed',
      how: async (b) => (await edit(b, journalPath, (t) => `${t.trimEnd().split('\n').slice(0, -1).join('\n')}\n`), resign(b, runner)),
      found: ['verdict-does-not-follow data/proof-report.json'],
    },
    {
      what: 'status in the report edited',
      how: (b) => edit(b, reportPath, whitewashed),
      found: ['changed-file data/proof-report.json', 'verdict-does-not-follow data/proof-report.json'],
    },
    {
      what: 'status edited, re-hashed and re-signed with the same key',
      how: async (b) => (await edit(b, reportPath, whitewashed), resign(b, runner)),
      found: ['verdict-does-not-follow data/proof-report.json', 'verdict-does-not-follow attestation.dsse.json'],
      key: runner.publicKey,
    },
    {
      what: 'status edited, re-hashed and re-signed with another key',
      how: async (b) => (await edit(b, reportPath, whitewashed), resign(b, stranger)),
      found: ['verdict-does-not-follow data/proof-report.json', 'wrong-key attestation.dsse.json'],
      key: runner.publicKey,
    },
    {
      what: 'status of a check line edited and re-signed',
      how: async (b) => (await edit(b, journalPath, (t) => t.replace('"status":"fail"', '"status":"pass"')), resign(b, runner)),
      found: ['verdict-does-not-follow data/journal.jsonl'],
    },
    {
      what: 'JSON document re-serialised and re-signed',
      how: async (b) => (await edit(b, 'data/ctrf.json', (t) => JSON.stringify(JSON.parse(t))), resign(b, runner)),
      found: ['re-serialised data/ctrf.json'],
    },
    { what: 'nothing but another key given', how: () => Promise.resolve(), found: ['wrong-key attestation.dsse.json'], key: stranger.publicKey },
    { what: 'all signed by another key', how: (b) => resign(b, stranger), found: ['wrong-key attestation.dsse.json'], key: runner.publicKey },
    {
      what: 'manifest with CRLF',
      how: async (b) => (await edit(b, manifestPath, crlf), retag(b)),
      found: ['re-serialised manifest-sha256.txt', 'other-files attestation.dsse.json'],
    },
    {
      what: 'manifest reordered',
      how: async (b) => (await edit(b, manifestPath, reordered), retag(b)),
      found: ['re-serialised manifest-sha256.txt'],
    },
    { what: 'tag manifest reordered', how: (b) => edit(b, tagManifestPath, reordered), found: ['re-serialised tagmanifest-sha256.txt'] },
    {
      what: 'manifest that climbs out',
      how: (b) => edit(b, manifestPath, (t) => `${'0'.repeat(64)}  data/../../../alice.log\n${t}`),
      found: ['re-serialised manifest-sha256.txt', 'changed-file manifest-sha256.txt'],
    },
    {
      what: 'bag-info.txt edited and re-tagged',
      how: async (b) => (await edit(b, bagInfoPath, (t) => t.replace('run-1', 'run-2')), retag(b)),
      found: ['document-does-not-follow bag-info.txt', 'other-files attestation.dsse.json'],
    },
    {
      what: 'a format from another time',
      how: async (b) => (await edit(b, bagInfoPath, (t) => t.replace(/Format: \d+/, 'Format: 99')), retag(b)),
      found: ['unknown-format bag-info.txt'],
    },
    {
      what: 'link in place of a file',
      how: async (b) => {
        await rename(join(b, 'data/logs/alice.log'), join(workshop.folder, 'outside.log'));
        await symlink(join(workshop.folder, 'outside.log'), join(b, 'data/logs/alice.log'));
      },
      found: ['irregular-file data/logs/alice.log', 'missing-file data/logs/alice.log'],
    },
    {
      what: 'link in place of the payload',
      how: async (b) => {
        await rename(join(b, 'data'), join(workshop.folder, 'outside'));
        await symlink(join(workshop.folder, 'outside'), join(b, 'data'));
      },
      found: ['irregular-file data', 'missing-file data/journal.jsonl'],
    },
    {
      what: 'attestation re-serialised',
      how: async (b) => (await edit(b, attestationPath, (t) => JSON.stringify(JSON.parse(t))), retag(b)),
      found: ['bad-attestation attestation.dsse.json'],
    },
    {
      what: 'payloads of the envelopes swapped',
      how: (b) =>
        forge(b, (a) => ({ ...a, proof: { ...a.proof, payload: a.testResult.payload }, testResult: { ...a.testResult, payload: a.proof.payload } })),
      found: ['bad-signature attestation.dsse.json'],
    },
    {
      what: 'envelopes swapped',
      how: (b) => forge(b, (a) => ({ ...a, proof: a.testResult, testResult: a.proof })),
      found: ['bad-signature attestation.dsse.json', 'bad-attestation attestation.dsse.json'],
    },
    {
      what: 'payload edited',
      how: (b) =>
        forge(b, (a) => ({
          ...a,
          proof: {
            ...a.proof,
            payload: Buffer.from(Buffer.from(a.proof.payload, 'base64').toString().replace('"exitCode":1', '"exitCode":0')).toString('base64'),
          },
        })),
      found: ['bad-signature attestation.dsse.json', 'verdict-does-not-follow attestation.dsse.json'],
    },
    {
      what: 'signature of a node taken away',
      how: (b) => forge(b, (a) => ({ ...a, proof: { ...a.proof, signatures: a.proof.signatures.slice(0, 1) } })),
      found: ['bad-signature attestation.dsse.json'],
    },
    {
      what: 'a node and its signature taken away',
      how: (b) => forge(b, (a) => ({ ...a, keys: a.keys.slice(0, 1), proof: { ...a.proof, signatures: a.proof.signatures.slice(0, 1) } })),
      found: ['bad-signature attestation.dsse.json'],
    },
    {
      what: 'base64 in another form',
      how: (b) => forge(b, (a) => ({ ...a, keys: a.keys.map((k) => ({ ...k, publicKey: loosened(k.publicKey) })) })),
      found: ['bad-attestation attestation.dsse.json'],
    },
  ];

  const forge = async (bundle: string, change: (attestation: Awaited<ReturnType<typeof attestationOf>>) => unknown) => {
    await writeFile(join(bundle, attestationPath), documentText(change(await attestationOf(bundle))));
    await retag(bundle);
  };
  /** the same bytes to a lenient decoder: other bits in the padding of the last character */
  const loosened = (base64: string) =>
    base64.replace(/(.)(=+)$/, (_, last: string, padding: string) => String.fromCharCode(last.charCodeAt(0) + 1) + padding);

  it.each(table)('is refused: $what', async ({ how, found, key }) => {
    const bundle = await workshop.copyOf(pristine);
    await how(bundle);
    const verification = await verifyBundle(bundle, key && { trustedKey: key });
    const findings = verification.findings.map(({ code, file }) => `${code} ${file}`);
    for (const expected of found) expect(findings).toContain(expected);
    expect(verification).toMatchObject({ accepted: false, exitCode: 3 });
  });

  it('is refused whichever byte of whichever file is changed', async () => {
    const files = [...(await takeInventory(pristine)).files].filter(([, { size }]) => size > 0).map(([path]) => path);
    const change = fc.record({ path: fc.constantFrom(...files), where: fc.nat(), bit: fc.integer({ min: 0, max: 7 }) });
    await fc.assert(
      fc.asyncProperty(change, async ({ path, where, bit }) => {
        const bundle = await workshop.copyOf(pristine);
        const bytes = await readFile(join(bundle, path));
        bytes[where % bytes.length]! ^= 1 << bit;
        await writeFile(join(bundle, path), bytes);
        expect(await verifyBundle(bundle)).toMatchObject({ accepted: false, exitCode: 3 });
      }),
      { seed: 20261121, numRuns: 60 },
    );
  });

  it('says that an edited verdict does not follow from the evidence, and which check', async () => {
    const bundle = await workshop.copyOf(pristine);
    await edit(bundle, reportPath, whitewashed);
    await resign(bundle, runner);
    const { findings, verdict } = await verifyBundle(bundle);
    expect(findings.map(({ message }) => message)).toContain(
      'a verdict that does not follow from the evidence: it records smoke/card/1 as pass, the evidence says fail',
    );
    expect(verdict).toMatchObject({ outcome: 'failed', exitCode: 1 });
  });
});

describe('writing a bundle', () => {
  it('is the same bytes for the same journal, but for the signatures', async () => {
    const again = await workshop.bundle();
    for (const path of ['data/proof-report.json', 'data/ctrf.json', 'data/junit.xml', 'data/report.html', manifestPath, bagInfoPath]) {
      expect(await readFile(join(again, path), 'utf8')).toBe(await readFile(join(pristine, path), 'utf8'));
    }
  });

  it('leaves a torn line out and counts the run as cut short', async () => {
    const journal = smallJournal();
    journal.text = journal.text.slice(0, -5);
    const { accepted, verdict } = await verifyBundle(await workshop.bundle(journal));
    expect(accepted).toBe(true);
    expect(verdict?.rows.find(({ id }) => id === 'run/finished/1')).toMatchObject({ status: 'crash', blame: 'harness' });
  });

  it('takes out secrets that became known late, from the journal and from logs', async () => {
    const secret = 'listening';
    const journal = smallJournal();
    journal.text = journal.text.replace('"output":{"ok":true}', `"output":{"ok":true,"token":"${secret}"}`);
    const redactor = new Redactor();
    redactor.add(secret);
    const bundle = await workshop.bundle(journal, [], redactor);
    expect((await verifyBundle(bundle)).accepted).toBe(true);
    expect(await readFile(join(bundle, 'data/logs/alice.log'), 'utf8')).toBe('[secret]\n');
    expect(await readFile(join(bundle, journalPath), 'utf8')).toContain('"token":"[secret]"');
    for (const path of (await takeInventory(bundle)).files.keys()) expect(await readFile(join(bundle, path), 'utf8')).not.toContain(secret);
  });

  it('goes on without a node that cannot sign or is not the one recorded', async () => {
    const broken = { ...aliceSigner, sign: () => Promise.reject(new Error('no such route')) };
    const impostor = { ...aliceSigner, publicKey: stranger.publicKey };
    const liar = { ...aliceSigner, sign: (payload: Uint8Array) => Promise.resolve(stranger.sign(payload)) };
    for (const node of [broken, impostor, liar]) {
      const { accepted, signers } = await verifyBundle(await workshop.bundle(smallJournal(), [node]));
      expect(accepted).toBe(true);
      expect(signers.map(({ role }) => role)).toEqual(['runner']);
    }
  });

  it('accepts the signature of a node whose name an earlier world had too', async () => {
    const journal = new TestJournal().begin().world([{ name: 'alice', agentId: 'f'.repeat(64) }]);
    journal.world([{ name: 'alice', agentId: keyIdOf(aliceSigner.publicKey) }]).finish();
    const { accepted, signers } = await verifyBundle(await workshop.bundle(journal));
    expect(accepted).toBe(true);
    expect(signers.map(({ name }) => name)).toEqual(['runner', 'alice']);
  });

  it('leaves nothing behind when it fails, and never overwrites', async () => {
    const before = await readdir(workshop.folder);
    const journal = smallJournal();
    journal.text = journal.text.replace('"seq":2', '"seq":7');
    await expect(workshop.bundle(journal)).rejects.toThrow(/line 2: seq is 7, expected 2/);
    const left = (await readdir(workshop.folder)).filter((name) => !before.includes(name) && !name.startsWith('journal-'));
    expect(left).toEqual([]);
  });
});
