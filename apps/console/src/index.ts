/**
 * The console: one process and two files, which receives OpenTelemetry traces and logs and shows them.
 *
 * The problem: a request crosses ten processes, and to see where its time went needs a tracing backend that nobody wants to run on a laptop.
 * The guarantee: what was confirmed and stored survives a restart; memory and disk stay within stated limits, and what was dropped is counted.
 * Not promised: an account system (it answers on loopback, to its own names), or traces and logs from before its limits of number, size and age.
 */
export { type ConsoleConfig, readConfig } from './config.ts'
export { type ConsoleOptions, startConsole } from './console.ts'
