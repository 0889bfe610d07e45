import { join } from 'node:path'
import { InvalidInputError } from 'seaworthy/core'
import type { SchemaComponent } from './migrate.ts'

/** The tables of a topic's file. `migrate` brings them about; readers wait until they are there. */
export const TOPIC_SCHEMA: SchemaComponent = {
  component: 'seaworthy.topic',
  versions: [
    `CREATE TABLE record (
       partition INTEGER NOT NULL,
       offset INTEGER NOT NULL,
       appended_at_ms INTEGER NOT NULL,
       event TEXT NOT NULL
     ) STRICT;
     CREATE UNIQUE INDEX record_by_offset ON record (partition, offset);
     CREATE TABLE partition (
       partition INTEGER PRIMARY KEY,
       next_offset INTEGER NOT NULL,
       last_appended_at_ms INTEGER NOT NULL
     ) STRICT;
     CREATE TABLE topic (
       log_id TEXT NOT NULL
     ) STRICT;`,
  ],
}

const NAME = /^[a-z0-9][a-z0-9._-]{0,127}$/i
const TOPIC_SUFFIX = '.topic'
const GROUP_SUFFIX = '.group'

/** The file of a topic. Its name is checked because it becomes part of a path. */
export function topicPath(directory: string, topic: string): string {
  return join(directory, checkedName(topic, 'topic') + TOPIC_SUFFIX)
}

export function bellPath(directory: string, topic: string): string {
  return join(directory, `${checkedName(topic, 'topic')}.bell`)
}

/** The file that keeps the offsets of a group. */
export function groupPath(directory: string, group: string): string {
  return join(directory, checkedName(group, 'group') + GROUP_SUFFIX)
}

export const topicOfFile = (file: string) => nameOfFile(file, TOPIC_SUFFIX)
export const groupOfFile = (file: string) => nameOfFile(file, GROUP_SUFFIX)

function nameOfFile(file: string, suffix: string): string | undefined {
  return file.endsWith(suffix) ? file.slice(0, -suffix.length) : undefined
}

function checkedName(name: string, what: string): string {
  if (NAME.test(name)) return name
  throw new InvalidInputError(
    `'${name}' cannot name a ${what}: letters, digits, dots, dashes and underscores, at most 128, a letter or digit first.`,
    [{ field: what, message: 'is not a name' }],
  )
}

/**
 * The partition of a key: FNV-1a over its UTF-8 bytes (Fowler, Noll, Vo; RFC 9923), modulo the number of partitions. It never changes
 * for a topic, or the order of a key would be lost.
 */
export function partitionOf(key: string, partitions: number): number {
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(key)) hash = Math.imul(hash ^ byte, 0x01000193)
  return (hash >>> 0) % partitions
}
