/** Reads and checks `attestation.dsse.json` by itself: its form, its keys, its signatures. */
import { type Attestation, attestationSchema, envelopeProblems, keyIdOf, publicKeyBytes } from './attestation.ts';
import { documentText } from './report.ts';

/** @returns what is wrong with the file, when it is not what a bundle writes */
export function readAttestation(bytes: Buffer | undefined): Attestation | string {
  if (!bytes) return 'the bundle is not signed';
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    return 'not JSON';
  }
  const parsed = attestationSchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    return `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'malformed'}`;
  }
  if (!Buffer.from(documentText(value), 'utf8').equals(bytes)) return 're-serialised: not in the form a bundle writes';
  const texts = [parsed.data.testResult, parsed.data.proof].flatMap(({ payload, signatures }) => [payload, ...signatures.map(({ sig }) => sig)]);
  const encoded = [...texts, ...parsed.data.keys.map(({ publicKey }) => publicKey)];
  return encoded.every(isCanonicalBase64) ? parsed.data : 're-serialised: base64 in another form';
}

function isCanonicalBase64(text: string): boolean {
  return Buffer.from(text, 'base64').toString('base64') === text;
}

/** Everything wrong with keys and signatures, in words. */
export function checkAttestation({ keys, testResult, proof }: Attestation): string[] {
  const problems: string[] = [];
  const runners = keys.filter(({ role }) => role === 'runner');
  if (runners.length !== 1) problems.push(`${runners.length} runner keys, expected one`);
  for (const { role, name, keyid, publicKey } of keys) {
    const raw = Buffer.from(publicKey, 'base64');
    if (raw.length !== publicKeyBytes || keyIdOf(raw) !== keyid) problems.push(`the key of ${role} ${name} is not ${keyid}`);
  }
  if (new Set(keys.map(({ keyid }) => keyid)).size !== keys.length) problems.push('a key stands for more than one signer');
  return [...problems, ...envelopeProblems(testResult, runners), ...envelopeProblems(proof, keys)];
}
