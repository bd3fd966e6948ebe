/** Two nodes do, once, everything that a node is for. */
import type { Suite } from '@muster/lab';
import { suiteOf } from '../exercise.ts';
import { badInput } from './bad-input.ts';
import { blocked } from './blocked.ts';
import { card } from './card.ts';
import { contacts } from './contacts.ts';
import { description } from './description.ts';
import { direct } from './direct.ts';
import { identity } from './identity.ts';
import { introduction } from './introduction.ts';
import { linked } from './linked.ts';
import { pubsub } from './pubsub.ts';
import { runner } from './runner.ts';
import { signatures } from './signatures.ts';
import { surfaces } from './surfaces.ts';
import { topics } from './topics.ts';
import { unknownPath } from './unknown-path.ts';
import { websocket } from './websocket.ts';

export const smoke: Suite = suiteOf('smoke', 'Two nodes, everything once', [
  linked,
  identity,
  introduction,
  card,
  contacts,
  blocked,
  pubsub,
  topics,
  direct,
  runner,
  websocket,
  signatures,
  surfaces,
  badInput,
  description,
  unknownPath,
]);
