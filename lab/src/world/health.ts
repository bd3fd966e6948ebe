/** Asks a daemon whether it is well, from outside and with nothing but its address. */

// Not imported: an import reads every export, and one of them loads a whole HTTP client that is not used here.
const { request } = process.getBuiltinModule('node:http');

export type Health =
  | { readonly state: 'healthy'; readonly version: string; readonly peers: number }
  /** nobody listens there */
  | { readonly state: 'refused' }
  /** the connection was taken, or the host reached, but no answer came in time */
  | { readonly state: 'silent' }
  | { readonly state: 'broken'; readonly reason: string };

const ANSWER_LIMIT_BYTES = 64 * 1024;

/** `GET /health` on a fresh connection; never throws. */
export function probeHealth(address: string, timeout: number): Promise<Health> {
  return new Promise((resolve) => {
    const broken = (reason: string): void => resolve({ state: 'broken', reason });
    const call = request(`http://${address}/health`, { agent: false, headers: { connection: 'close' } }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
        if (text.length > ANSWER_LIMIT_BYTES) response.destroy(new Error('answer too long'));
      });
      response.on('error', (error) => broken(error.message));
      response.on('end', () => resolve(read(response.statusCode ?? 0, text)));
    });
    const timer = setTimeout(() => {
      resolve({ state: 'silent' });
      call.destroy();
    }, timeout);
    call.on('error', (error) => {
      const code = 'code' in error ? error.code : undefined;
      if (code === 'ECONNREFUSED') resolve({ state: 'refused' });
      else broken(error.message);
    });
    call.on('close', () => {
      clearTimeout(timer);
      broken('cut off');
    });
    call.end();
  });
}

function read(status: number, text: string): Health {
  if (status !== 200) return { state: 'broken', reason: `status ${status}` };
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body !== 'object' || body === null || !('ok' in body) || body.ok !== true) return { state: 'broken', reason: 'not ok' };
    const version = 'version' in body ? String(body.version) : '';
    const peers = 'peers' in body ? Number(body.peers) : 0;
    return { state: 'healthy', version, peers };
  } catch {
    return { state: 'broken', reason: 'not JSON' };
  }
}
