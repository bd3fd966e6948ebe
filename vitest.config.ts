import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defaultExclude, defineConfig } from 'vitest/config';

// `muster-source` makes one room's tests see the other rooms' `.ts`, so nothing is ever tested against a stale build.
const conditions = ['muster-source', 'module', 'node', 'import', 'default'];

/** put smaller bounds in place of modules' own: that must not be seen by others, nor theirs by them */
const mocking = ['node/src/services/overlay/{away,doubt,gaps,history,lazy}.test.ts'];
const include = ['*/src/**/*.test.ts', 'tools/**/*.test.ts'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    projects: [
      // No test here changes what all share: one module graph per worker costs a third less.
      { extends: true, test: { name: 'shared', include, exclude: [...defaultExclude, ...mocking], isolate: false } },
      { extends: true, test: { name: 'apart', include: mocking } },
    ],
    // What the many processes that tests start have compiled once: half of what it costs to start one.
    env: { NODE_COMPILE_CACHE: fileURLToPath(new URL('node_modules/.cache/muster', import.meta.url)) },
    // Most of what takes long here waits for daemons: two workers per core keep the cores busy.
    maxWorkers: 2 * availableParallelism(),
    testTimeout: 60_000,
    hookTimeout: 60_000,
    passWithNoTests: false,
    coverage: {
      provider: 'v8',
      include: ['*/src/**/*.ts'],
      exclude: ['**/*.test.ts', '**/*.port-test.ts', 'bench/**'],
      reporter: ['text-summary', 'json-summary', 'html'],
    },
  },
});
