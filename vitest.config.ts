import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// `muster-source` makes one room's tests see the other rooms' `.ts`, so nothing is ever tested against a stale build.
const conditions = ['muster-source', 'module', 'node', 'import', 'default'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ['*/src/**/*.test.ts', 'tools/**/*.test.ts'],
    // What the many processes that tests start have compiled once: half of what it costs to start one.
    env: { NODE_COMPILE_CACHE: fileURLToPath(new URL('node_modules/.cache/muster', import.meta.url)) },
    // No test changes what all share: one module graph per worker costs a third less.
    isolate: false,
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
