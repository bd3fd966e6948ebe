/** The page in the browser. */
import { z } from 'zod';
import { capability } from './capability.ts';

/** What the page holds where the token goes, when it is handed out; the compatible API has the same. */
export const TOKEN_MARKER = '<!-- X0X_TOKEN_INJECTION_POINT -->';

export const gui = {
  page: capability({
    name: 'gui.page',
    summary: 'A page that shows the node: status, identity, peers and live events',
    method: 'GET',
    path: '/gui',
    aliases: ['/gui/'],
    auth: 'open',
    body: 'none',
    input: z.object({}),
    output: z.string(),
    shape: 'text',
    contentType: 'text/html; charset=utf-8',
    status: [200],
    surfaces: {
      cli: { absent: 'a page is for a browser: `muster gui` prints its address and opens it' },
      client: true,
      ws: { absent: 'sockets carry messages only' },
      mcp: { absent: 'a page is for people' },
    },
  }),
};
