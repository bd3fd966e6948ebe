'use strict';
// usage: check-tests.cjs TESTS.json COVERAGE-SUMMARY.json   Tests ran, none was skipped, and coverage is where it has to be.
const { readFileSync } = require('node:fs');
const path = require('node:path');

const [tests, coverage] = process.argv.slice(2).map((file) => JSON.parse(readFileSync(file, 'utf8')));
const problems = [];
if (!(tests.numPassedTests > 0)) problems.push('no test ran');
if (tests.numFailedTests > 0) problems.push(`${tests.numFailedTests} tests failed`);
if (tests.numPendingTests + tests.numTodoTests > 0) problems.push(`${tests.numPendingTests + tests.numTodoTests} tests were skipped`);

const least = (what, metrics, bounds) => {
  for (const [metric, bound] of Object.entries(bounds)) {
    if (metrics[metric].pct < bound) problems.push(`${what}: ${metrics[metric].pct} % of ${metric} covered, ${bound} % needed`);
  }
};
least('everything', coverage.total, { lines: 80, branches: 70 });

// What stands between a peer's bytes and our belief in them is tested to the last branch.
const critical = [
  'encoding',
  'envelope',
  'batch',
  'sealed-box',
  'letter',
  'hello',
  'frames',
  'trust',
  'replay',
  'machine-certificate',
  'user-certificate',
  'link-messages',
].map((name) => path.join('protocol', 'src', `${name}.ts`));
for (const file of critical) {
  const entry = Object.entries(coverage).find(([name]) => name.endsWith(path.sep + file));
  if (entry) least(file, entry[1], { lines: 100, branches: 100 });
  else problems.push(`${file}: not in the coverage report`);
}
console.log(`${tests.numPassedTests} tests, ${coverage.total.lines.pct} % of lines, ${coverage.total.branches.pct} % of branches`);
for (const problem of problems) console.error(`not enough: ${problem}`);
process.exit(problems.length === 0 ? 0 : 1);
