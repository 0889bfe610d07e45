import { RejectedError } from 'seaworthy/core'
import { type ChildEnd, MovedElsewhere, type RunEnvironment, childSlot, eventSlot } from './environment.ts'
import type { Place } from './frontier.ts'
import type { Child, Sleep, WaitFor } from './graph.ts'
import type { SagaJournal } from './journal.ts'
import { jsonCopy } from './json-copy.ts'
import { progressOf } from './progress.ts'
import type { JournalEntry, SagaRecord, SagaStatus } from './saga-store.ts'

export type Wait = Place<Sleep | WaitFor | Child>

export function isWait(place: Place): place is Wait {
  const { kind } = place.node
  return kind === 'sleep' || kind === 'wait' || kind === 'child'
}

/** What a saga does not do but waits for: time, an event, the end of a child. */
export class SagaWaits {
  readonly #environment: RunEnvironment
  readonly #journal: SagaJournal

  constructor(environment: RunEnvironment, journal: SagaJournal) {
    this.#environment = environment
    this.#journal = journal
  }

  /** Begins the waits that are new, and ends those that are over. @returns whether there were any */
  async lookAt(waits: readonly Wait[], kind: 'go' | 'undo'): Promise<boolean> {
    const { store, clock } = this.#environment
    if (waits.length === 0) return false
    const toldOf = waits.some(({ node }) => node.kind !== 'sleep') ? await store.told(this.#journal.record.id) : new Map<string, unknown>()
    let moved = false
    for (const place of waits) {
      const { untilMs } = progressOf(this.#journal.progress, place.name)
      const slot = this.#slotOf(place)
      if (untilMs === undefined) await this.#beginWait(place)
      else if (slot !== undefined && toldOf.has(slot)) await this.#takeNews(place, toldOf.get(slot), kind)
      else if (untilMs !== 'never' && untilMs <= clock.now() && place.node.kind !== 'child')
        await this.#endWait(place as Place<Sleep | WaitFor>)
      else continue
      moved = true
    }
    return moved
  }

  #slotOf(place: Wait): string | undefined {
    const { node, name } = place
    if (node.kind === 'sleep') return undefined
    return node.kind === 'child' ? childSlot(name) : eventSlot(node.event, node.key?.(this.#journal.facts(place)))
  }

  async #beginWait(place: Wait): Promise<void> {
    const { node, name } = place
    const atMs = this.#environment.clock.now()
    try {
      if (node.kind === 'child') {
        const input = jsonCopy(name, node.input(this.#journal.facts(place)))
        return await this.#startChild(place as Place<Child>, input, atMs)
      }
      const ms = node.kind === 'sleep' ? node.ms(this.#journal.facts(place)) : node.timeoutMs
      this.#journal.note({ step: name, kind: 'waiting', untilMs: ms === 'never' ? ms : atMs + ms, atMs })
    } catch (error) {
      // What a process leaves to others is no refusal.
      if (error instanceof MovedElsewhere || this.#environment.stopping.aborted) throw error
      await this.#journal.refuse(place, error)
    }
  }

  /** Starts the child in the transaction that journals it. A child that is there already was started by a commit whose answer was lost. */
  async #startChild(place: Place<Child>, input: unknown, atMs: number): Promise<void> {
    const { store, onDue } = this.#environment
    const { node, name } = place
    const { id: sagaId, context } = this.#journal.record
    const id = this.#journal.keyOf(place)
    const child: SagaRecord = {
      id,
      saga: node.saga.name,
      version: node.saga.version,
      status: 'running',
      input,
      context,
      reason: undefined,
      startedAtMs: atMs,
      updatedAtMs: atMs,
      parent: { sagaId, step: name },
    }
    await this.#journal.write({
      within: async (tx) => {
        await store.start(tx, child, null, [])
        tx.afterCommit(() => onDue(id))
        return [{ step: name, kind: 'waiting', untilMs: 'never', atMs }]
      },
    })
  }

  async #takeNews(place: Wait, data: unknown, kind: 'go' | 'undo'): Promise<void> {
    const { name } = place
    const atMs = this.#environment.clock.now()
    const end = place.node.kind === 'child' ? (data as ChildEnd) : undefined
    if (end?.status !== 'compensated') {
      this.#journal.note({ step: name, kind: 'done', result: end === undefined ? data : end.results, atMs })
    } else if (kind === 'undo') {
      this.#journal.note({ step: name, kind: 'compensated', atMs })
    } else {
      await this.#journal.refuse(place, new RejectedError(end.reason, `Its saga turned back: ${end.reason}.`))
    }
  }

  /** Its time is over; unless it was told in the last moment. */
  async #endWait(place: Place<Sleep | WaitFor>): Promise<void> {
    const { store, clock } = this.#environment
    const { node, name } = place
    const atMs = clock.now()
    const done: JournalEntry = { step: name, kind: 'done', result: undefined, atMs }
    if (node.kind === 'sleep') return this.#journal.note(done)
    const slot = this.#slotOf(place)!
    const { id: sagaId } = this.#journal.record
    const goesOn = node.onTimeout === 'go-on'
    const error = `timeout: ${node.event} did not come within ${node.timeoutMs} ms.`
    const line: JournalEntry = goesOn ? done : { step: name, kind: 'failed', executed: 'no', error, atMs }
    const to: SagaStatus = node.onTimeout === 'park' ? 'parked' : 'compensating'
    await this.#journal.write({
      ...(!goesOn && { to, reason: 'timeout' }),
      within: async (tx) => ((await store.expire(tx, { sagaId, slot, nowMs: atMs })) ? [line] : undefined),
    })
  }

  /** When the first of them is over by time. */
  dueMs(waits: readonly Wait[]): number | 'never' {
    const times = waits.map(({ name }) => progressOf(this.#journal.progress, name).untilMs ?? 0)
    const dueMs = Math.min(...times.map((untilMs) => (untilMs === 'never' ? Number.POSITIVE_INFINITY : untilMs)))
    return dueMs === Number.POSITIVE_INFINITY ? 'never' : dueMs
  }

  /** Leaves the saga to the database until it is due. @returns false when it was told something just before */
  async rest(waits: readonly Wait[], wakeAtMs: number | 'never'): Promise<boolean> {
    const { store, callOff } = this.#environment
    const { id, status, reason = 'unknown' } = this.#journal.record
    if (status === 'compensating') for (const place of waits) await callOff(this.#journal.keyOf(place), reason)
    const slots = waits.map((place) => this.#slotOf(place))
    return this.#journal.write({
      rest: { wakeAtMs },
      within: async (tx) => {
        // The lock first: whoever tells from now on finds a saga that rests, and wakes it.
        await store.lock(tx, id)
        const told = await store.told(id, tx)
        return slots.some((slot) => slot !== undefined && told.has(slot)) ? undefined : []
      },
    })
  }
}
