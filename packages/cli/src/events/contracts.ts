import { type Dirent, readdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { ConfigurationError, NotFoundError } from 'seaworthy/core'
import type { EventType } from 'seaworthy/messaging'
import { loadModule } from '../load-module.ts'
import type { EventLock, LockedEvent } from './event-lock.ts'
import { keyExpression } from './key-expression.ts'

/** A contract's events: `contract/events.ts`, or a file in `contract/events/`. */
const EVENTS_FILE = /(?:^|[/\\])contract[/\\]events(?:[/\\][^/\\]+)?\.(?:[cm]?js|m?ts)$/
const SKIPPED = /^(?:node_modules|dist|\..*)$/

type AnyEventType = EventType<unknown>

/** Standard JSON Schema (standardschema.dev/json-schema), which zod 4.2 and others implement. */
interface JsonSchemaSource {
  readonly jsonSchema?: { readonly input: (options: { readonly target: 'draft-2020-12' }) => Record<string, unknown> }
}

/** The files below a folder that declare published events, in order. */
function contractFiles(root: string): readonly string[] {
  const files: string[] = []
  const walk = (folder: string) => {
    let entries: Dirent[]
    try {
      entries = readdirSync(folder, { withFileTypes: true })
    } catch (cause) {
      throw new NotFoundError(`${folder} cannot be read. Name the folder that the contracts are in with --root.`, { cause })
    }
    for (const entry of entries) {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) {
        if (!SKIPPED.test(entry.name)) walk(path)
      } else if (EVENTS_FILE.test(path) && !/\.(?:d|test)\.[cm]?ts$/.test(path)) files.push(path)
    }
  }
  walk(root)
  return files.toSorted()
}

/**
 * Every event that the contracts below a folder declare, as the lock keeps it.
 * @throws ConfigurationError when a schema gives no JSON Schema, when two declarations of one version differ, or when there is none at all
 */
export async function declaredEvents(root: string): Promise<EventLock> {
  const events: Record<string, Record<string, LockedEvent>> = {}
  for (const file of contractFiles(root)) {
    const exported = Object.values(await loadModule(file, 'events'))
    for (const event of exported.filter(isEventType)) {
      const declared = { topic: event.topic, key: keyExpression(event.key), schema: jsonSchemaOf(event, relative(root, file)) }
      const versions = (events[event.type] ??= {})
      const known = versions[event.version]
      // A contract may hand on another's event; it is the same then.
      if (known !== undefined && JSON.stringify(known) !== JSON.stringify(declared))
        throw new ConfigurationError(`Version ${event.version} of event ${event.type} is declared twice, and differently; once in ${file}.`)
      versions[event.version] = declared
    }
  }
  if (Object.keys(events).length === 0)
    throw new ConfigurationError(`No contract/events file below ${root} exports an event. Declare them with defineEvent, and export each.`)
  return events
}

function isEventType(value: unknown): value is AnyEventType {
  if (typeof value !== 'function') return false
  const { type, version, topic, key, schema } = value as Partial<AnyEventType>
  return (
    typeof type === 'string' &&
    typeof version === 'number' &&
    typeof topic === 'string' &&
    typeof key === 'function' &&
    schema !== undefined
  )
}

/** What a consumer accepts, as JSON Schema. */
function jsonSchemaOf({ type, version, schema }: AnyEventType, file: string): Record<string, unknown> {
  const standard = schema['~standard'] as (typeof schema)['~standard'] & JsonSchemaSource
  if (standard.jsonSchema === undefined) {
    throw new ConfigurationError(
      `The schema of event ${type}, version ${version} (${file}), gives no JSON Schema: its vendor ${standard.vendor} does not implement Standard JSON Schema. zod from 4.2 on does.`,
    )
  }
  try {
    return standard.jsonSchema.input({ target: 'draft-2020-12' })
  } catch (cause) {
    throw new ConfigurationError(
      `The schema of event ${type}, version ${version} (${file}), cannot be written as JSON Schema: ${String(cause)}`,
      {
        cause,
      },
    )
  }
}
