/** How the servers of tests are run. */
export { type ServerProcess, onFreePorts, startServer } from '@seaworthy/testing/server-process'
