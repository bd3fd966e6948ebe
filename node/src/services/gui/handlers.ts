import { type Capability, registry, TOKEN_MARKER } from '@muster/contract';
import { utf8Bytes } from '@muster/protocol';
import type { Crypto } from '../../ports/index.ts';
import { Reply } from '../../ports/handlers.ts';
import type { HandlersOf } from '../families.ts';
import { MARKUP } from './markup.ts';
import { SCRIPT as SCRIPT_TEXT } from './script.ts';
import { STYLE } from './style.ts';

const STREAMS = Object.values<Capability>(registry).filter(({ shape }) => shape === 'stream');
const SCRIPT = SCRIPT_TEXT.replace('/* STREAMS */', () => STREAMS.map(({ path }) => JSON.stringify(path)).join(', '));
const PAGE = MARKUP.replace('/* STYLE */', () => STYLE).replace('/* SCRIPT */', () => SCRIPT);

/** The page runs its own script and style and nothing else, talks to nobody but this node, and is shown in no other page. */
export function guiHandlers({ crypto }: { readonly crypto: Crypto }): HandlersOf<'gui'> {
  const source = (text: string): string => `'sha256-${Buffer.from(crypto.sha256(utf8Bytes(text))).toString('base64')}'`;
  return {
    'gui.page': (_, { pageToken }) => {
      const token = pageToken?.();
      const script = token === undefined ? undefined : `const X0X_TOKEN='${quotable(token)}';`;
      const scripts = [SCRIPT, ...(script === undefined ? [] : [script])].map(source).join(' ');
      const body = script === undefined ? PAGE : PAGE.replace(TOKEN_MARKER, () => `<script>${script}</script>`);
      return Reply.of(200, body, {
        'content-security-policy':
          `default-src 'none'; script-src ${scripts}; style-src ${source(STYLE)}; connect-src 'self'; img-src data:; ` +
          `base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
        'cache-control': 'no-store',
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
        'referrer-policy': 'no-referrer',
        'x-frame-options': 'DENY',
      });
    },
  };
}

/** For a script inside a page: only letters and digits stand for themselves. */
function quotable(text: string): string {
  return text.replace(/[^\dA-Za-z]/gu, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);
}
