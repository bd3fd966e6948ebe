/** `muster gui`: where the page of the node is, and a browser that shows it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { ConnectionError, createClient } from '@muster/client';
import { addressOf, explain, type Target } from './connection.ts';
import { Failure } from './failure.ts';
import { printJson, printLine } from './output.ts';

export interface GuiRequest extends Target {
  readonly json: boolean;
  /** false: only print the address */
  readonly open: boolean;
}

/** Resolves with the exit code: 0 also where there is no browser to open, since the address is printed. @throws Failure */
export async function openGui({ json, open, ...target }: GuiRequest): Promise<number> {
  const url = `${await addressOf(target)}/gui`;
  await using client = createClient({ baseUrl: new URL(url).origin });
  try {
    const { status } = await client.raw({ method: 'GET', target: '/gui' });
    if (status !== 200) throw new Failure(`${url} answers ${status}: there is no page`);
  } catch (error) {
    throw error instanceof ConnectionError ? explain(error, target) : error;
  }
  const opened = open && !json && (await showInBrowser(url));
  await (json ? printJson({ ok: true, url }) : printLine(opened ? `opened ${url}` : url));
  return 0;
}

/** False where there is no screen, or nothing that opens addresses. */
async function showInBrowser(url: string): Promise<boolean> {
  const { DISPLAY, WAYLAND_DISPLAY } = process.env;
  if (process.platform !== 'darwin' && !DISPLAY && !WAYLAND_DISPLAY) return false;
  const opener = spawn(process.platform === 'darwin' ? 'open' : 'xdg-open', [url], { stdio: 'ignore', detached: true });
  try {
    await once(opener, 'spawn');
    opener.unref();
    return true;
  } catch {
    return false;
  }
}
