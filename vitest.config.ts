import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

// `muster-source` makes one room's tests see the other rooms' `.ts`, so nothing is ever tested against a stale build.
const conditions = ['muster-source', 'module', 'node', 'import', 'default'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ['*/src/**/*.test.ts', 'tools/**/*.test.ts'],
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
