/** How the servers of tests are run. */
export { onFreePorts, startServer } from '@seaworthy/testing/server-process'
