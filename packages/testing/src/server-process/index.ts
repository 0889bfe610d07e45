/**
 * Server process: a server that a test starts, as a child that cannot outlive it.
 *
 * The problem: a test that is killed leaves a broker, which holds a port and a folder until somebody finds it.
 * The guarantee: the server runs in a folder of its own, and ends with the process that started it, however that ends; then the folder is gone.
 * Not promised: systems without a POSIX shell.
 */
export { type ServerProcess, type ServerProgram, freePort, onFreePorts, startServer } from './server-process.ts'
