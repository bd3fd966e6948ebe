/** The suites that there are. */
import type { Schedule, Suite } from '@muster/lab';

interface Suites {
  readonly suites: readonly Suite[];
  /** run when none is named */
  readonly standard: readonly Suite[];
}

/** `nodes`: of the suites that work with any number; `kills`: of the crash suite. Throws `RangeError` for too few. */
export async function loadSuites(size: {
  readonly nodes?: number | undefined;
  readonly kills?: number | undefined;
  readonly schedule?: Schedule | undefined;
  readonly world?: 'local' | 'sim' | undefined;
}): Promise<Suites> {
  const room: {
    suitesFor: typeof import('@muster/suites').suitesFor;
    simulatedSuites: typeof import('@muster/suites').simulatedSuites;
    defaultSuites?: readonly Suite[];
  } = await import('@muster/suites');
  const suites = room.suitesFor(size);
  if (size.world === 'sim') return { suites, standard: suites.filter(({ name }) => room.simulatedSuites(size).includes(name)) };
  const named = room.defaultSuites?.map(({ name }) => name);
  return { suites, standard: named ? suites.filter(({ name }) => named.includes(name)) : suites };
}
