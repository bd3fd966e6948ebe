#!/usr/bin/env node
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const { launchBuilt } = createRequire(import.meta.url)('./launch.cjs');
launchBuilt(fileURLToPath(new URL('../dist/musterd.js', import.meta.url)), process.argv.slice(2));
