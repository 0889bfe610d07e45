/**
 * Redis: read models as documents, where queries want them from memory.
 *
 * The problem: a document and the note of which event it contains, in a store without transactions over a round trip.
 * The guarantee: both are written by one script, or neither is, so no crash of a writer repeats an event or loses one; a query reads the live version in
 * one script, so a switch happens between two queries.
 * Not promised: more durability than the server was given. What a Redis without `appendfsync always` loses in a crash it loses with its checkpoint, and an
 * event store is read again from there; an event log tells by EventsMissingError. A server that evicts keys is no store.
 */
export { type RedisReadStore, type RedisReadStoreOptions, openRedisReadStore } from './read-store.ts'
export { RedisError } from './errors.ts'
