/**
 * The `seaworthy` command: starts a system from its declaration, and speaks to the one that runs.
 *
 * The problem: what runs, where, and how to replace a part of it, should not need a look at a dozen process lists.
 * The guarantee: a mistake in the arguments is named, with what was probably meant, before anything happens: exit code 2; any other failure is 1.
 * Not promised: the text is for people and may change; scripts read `status --json` or `run.json`.
 */
export { type Lab, type LabNumber, type LabRun } from './lab.ts'
export { type Terminal } from './terminal.ts'
export { run } from './run.ts'
