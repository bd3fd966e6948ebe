import { buildRequest, type Capability, exampleInput, registry } from '@muster/contract';
import { type NodeHandle, scenario, type ScenarioContext } from '@muster/lab';
import { claims } from '@muster/proof';
import { toBase64, utf8Bytes } from '@muster/protocol';
import { required } from './requirements.ts';
import { unharmed } from './unharmed.ts';

interface Attempt {
  readonly token: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  /** appended to the target */
  readonly query?: string;
}

/** Ways to ask without the right to. */
const WITHOUT_TOKEN: Readonly<Record<string, (token: string) => Attempt>> = {
  'no-token': () => ({ token: null }),
  'wrong-token': () => ({ token: 'f'.repeat(64) }),
  'half-the-token': (token) => ({ token: token.slice(0, 32) }),
  'other-scheme': (token) => ({ token: null, headers: { authorization: `Basic ${toBase64(utf8Bytes(`:${token}`))}` } }),
  'no-scheme': (token) => ({ token: null, headers: { authorization: token } }),
  'token-in-cookie': (token) => ({ token: null, headers: { cookie: `token=${token}` } }),
  'token-in-address': (token) => ({ token: null, query: `token=${token}` }),
};

const SHUTDOWN = 'status.shutdown';

const ORIGINS: Readonly<Record<string, boolean>> = {
  'http://127.0.0.1:3000': true,
  'http://localhost': true,
  'https://attacker.example': false,
  'http://127.0.0.1.attacker.example': false,
  null: false,
};

export const access = scenario({
  id: 'hostile/access',
  title: 'every route, asked by whoever may not',
  requirements: [required.token.id, required.host.id, required.unharmed.id, required.memory.id],
  needs: { nodes: 1, powers: ['dial'], capabilities: ['status.metrics'] },
  phases: {
    async drive(context) {
      const node = context.nodes[0]!;
      const all = Object.values<Capability>(registry).filter(({ name }) => context.capabilities.has(name));
      // Should it be carried out after all, the other answers are there by then.
      const declared = all.toSorted((a, b) => Number(a.name === SHUTDOWN) - Number(b.name === SHUTDOWN));
      await unharmed(context, node, async () => {
        for (const capability of declared) await asked(context, node, capability);
        await originsOf(context, node);
      });
    },
  },
});

async function asked({ claim }: ScenarioContext, node: NodeHandle, capability: Capability): Promise<void> {
  const { name, auth } = capability;
  const { method, target, body } = buildRequest(capability, exampleInput(capability));
  const ask = ({ token, headers, query }: Attempt) => {
    const asked = query === undefined ? target : `${target}${target.includes('?') ? '&' : '?'}${query}`;
    const carried = body && { body: JSON.stringify(body) };
    return node.raw(name, { method, target: asked, token, headers: { ...(body && { 'content-type': 'application/json' }), ...headers }, ...carried });
  };
  for (const [way, attempt] of Object.entries(WITHOUT_TOKEN)) {
    // Where an address may carry the token, it lets in, as it should.
    if (auth === 'query' && way === 'token-in-address') continue;
    const answer = await ask(attempt(node.target.token));
    const what = auth === 'open' ? claims.status(answer, ...capability.status) : claims.status(answer, 401);
    claim(`${name}/${way}`, required.token.id, 'MUST', what);
  }
  const rebound = await ask({ token: node.target.token, headers: { host: 'attacker.example' } });
  claim(`${name}/foreign-host`, required.host.id, 'MUST', claims.status(rebound, 403));
}

/** What a browser is told before it lets a page read an answer. */
async function originsOf({ claim, record, signal }: ScenarioContext, node: NodeHandle): Promise<void> {
  for (const [index, [origin, allowed]] of Object.entries(ORIGINS).entries()) {
    for (const [method, headers] of [
      ['OPTIONS', { 'access-control-request-method': 'POST' }],
      ['GET', {}],
    ] as const) {
      const answer = await node.client.raw({ method, target: '/health', token: null, headers: { origin, ...headers } }, { signal });
      const told = answer.headers['access-control-allow-origin'] ?? null;
      const { seq } = record.observe(node.name, 'origins', method, { origin, status: answer.status, told });
      const title = `${origin} ${allowed ? 'may' : 'may not'} read the answer to ${method}`;
      claim(`origin-${index + 1}/${method}`, required.host.id, 'MUST', claims.equals({ seq, at: '/data/told' }, allowed ? origin : null), { title });
    }
  }
}
