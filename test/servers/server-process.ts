/** How the servers of tests are run. */
export { type ServerProcess, freePort, onFreePorts, startServer } from '@seaworthy/testing/server-process'
