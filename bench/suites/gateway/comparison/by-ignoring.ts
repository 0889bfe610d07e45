import type { Ask, ReceivedAnswer } from '@seaworthy/strangler/compare'
import type { TrialSides } from './trial.ts'

export interface IgnoringResult {
  /** Fields that differed and were not ignored. */
  readonly fields: ReadonlySet<string>
  readonly compared: number
  readonly alarms: number
}

const LEARNED_REQUESTS = 6
const REPLAYS = 3

/**
 * What one does without a library: a field that differed between two answers of the monolith is ignored from then on, elements are
 * compared by their place, and what differs once is an alarm.
 */
export async function compareByIgnoring({ monolith, service, clock, targetAt }: TrialSides, requests: number): Promise<IgnoringResult> {
  const ignored = new Set<string>()
  for (let index = 0; index < LEARNED_REQUESTS; index++) {
    const target = targetAt(index)
    const first = flattened(await ask(monolith, target))
    for (let replay = 0; replay < REPLAYS; replay++) {
      clock.pass(700)
      for (const field of differing(first, flattened(await ask(monolith, target)))) ignored.add(field)
    }
  }
  const fields = new Set<string>()
  let alarms = 0
  for (let index = LEARNED_REQUESTS; index < requests; index++) {
    clock.pass(4_000)
    const target = targetAt(index)
    const found = differing(flattened(await ask(monolith, target)), flattened(await ask(service, target))).filter(
      (field) => !ignored.has(field),
    )
    if (found.length > 0) alarms++
    for (const field of found) fields.add(field)
  }
  return { fields, compared: requests - LEARNED_REQUESTS, alarms }
}

const ask = (side: Ask, target: string) => side({ method: 'GET', target, headers: [] }, new AbortController().signal)

const USUALLY_IGNORED: ReadonlySet<string> = new Set(['date', 'etag', 'content-length'])

function flattened({ status, headers, body }: ReceivedAnswer): ReadonlyMap<string, string> {
  const values = new Map<string, string>([['status', String(status)]])
  for (const [name, value] of headers) if (!USUALLY_IGNORED.has(name)) values.set(`header.${name}`, value)
  const text = Buffer.from(body as Uint8Array).toString()
  try {
    flatten('body', JSON.parse(text) as unknown, values)
  } catch {
    values.set('bytes', text)
  }
  return values
}

function flatten(path: string, value: unknown, into: Map<string, string>): void {
  into.set(
    path,
    value === null || typeof value !== 'object' ? JSON.stringify(value) : Array.isArray(value) ? `list of ${value.length}` : 'object',
  )
  if (value === null || typeof value !== 'object') return
  for (const [key, member] of Object.entries(value)) flatten(Array.isArray(value) ? `${path}[${key}]` : `${path}.${key}`, member, into)
}

function differing(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): string[] {
  const paths = new Set([...a.keys(), ...b.keys()])
  return [...paths].filter((path) => a.get(path) !== b.get(path)).map((path) => path.replaceAll(/\[\d+\]/g, '[]'))
}
