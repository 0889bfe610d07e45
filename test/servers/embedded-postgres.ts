/** The PostgreSQL of tests, beside the servers that npm cannot bring. */
export { type PostgresServer, startPostgres } from '@seaworthy/testing/postgres-server'
