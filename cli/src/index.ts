/** The command tree, for whoever documents or tests it; the programs are `muster` and `musterd`. */
export { buildProgram, type Program } from './program.ts';
