'use strict';
// usage: node tools/run.cjs FILE [ARG…]   runs a package's script (`typescript/bin/tsc`) or a file (`./x.ts`) on Node >= 24.
const path = require('node:path');
const { launch } = require('../cli/bin/launch.cjs');

const [target, ...args] = process.argv.slice(2);
const root = path.join(__dirname, '..');
const file = target.startsWith('.') ? path.resolve(root, target) : path.join(root, 'node_modules', target);
launch(file, args);
