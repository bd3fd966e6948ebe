/** Handlers family by family: leaving one out does not compile. */
import type { Registry } from '@muster/contract';
import type { Handlers } from '../ports/handlers.ts';

export type HandlersOf<Family extends string> = Pick<Handlers<Registry>, Extract<keyof Registry, `${Family}.${string}`>>;
