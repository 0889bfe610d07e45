import { setImmediate } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { type Notification, PostgresModel, PostgresModelError } from '../../src/postgres-model/index.ts'
import { SESSIONS, schema } from './random-program.ts'
import type { Outcome, Seen, Transcript } from './transcript.ts'

/** Where the model and the server part, and what the model says. */
export interface Difference {
  /** The step; the number of steps when only notifications differ. */
  readonly at: number
  readonly model: unknown
  readonly real: unknown
}

const ORDERS_MAX = 1_000

/**
 * Finds a difference between the model and what was seen of the server. Where several sessions go on at once, the server lets them race; the model
 * has to give exactly what was seen under some order of theirs, and all orders are tried.
 */
export async function difference(real: Transcript): Promise<{ readonly found: Difference | undefined; readonly orders: number }> {
  let choices: number[] = []
  let furthest: Difference | undefined
  for (let orders = 1; orders <= ORDERS_MAX; orders++) {
    const taken: { chosen: number; of: number }[] = []
    const found = await replay(real, (possible) => {
      const chosen = choices[taken.length] ?? 0
      taken.push({ chosen, of: possible })
      return chosen
    })
    if (found === undefined) return { found, orders }
    if (furthest === undefined || found.at > furthest.at) furthest = found
    const last = taken.findLastIndex(({ chosen, of }) => chosen + 1 < of)
    if (last === -1) return { found: furthest, orders }
    choices = taken.slice(0, last + 1).map(({ chosen }, index) => (index === last ? chosen + 1 : chosen))
  }
  return { found: furthest, orders: ORDERS_MAX }
}

async function replay(real: Transcript, choose: (possible: number) => number): Promise<Difference | undefined> {
  const model = new PostgresModel(schema, { choose: (possible) => choose(possible.length) })
  const notifications: Notification[][] = []
  const sessions = Array.from({ length: SESSIONS }, (_, index) => {
    const session = model.connect()
    const received: Notification[] = []
    notifications[index] = received
    session.onNotification((notification) => received.push(notification))
    return session
  })
  const outcomes = new Map<number, Outcome>()
  for (const [at, { session, statement }] of real.steps.entries()) {
    sessions[session]!.execute(statement).then(
      ({ rows, rowCount }) => outcomes.set(session, { rows, rowCount }),
      (error: unknown) => outcomes.set(session, { error: error instanceof PostgresModelError ? error.code : String(error) }),
    )
    await setImmediate()
    const blockers = new Map(model.waiting().map(({ session: waiter, blocker }) => [waiter, sessions.indexOf(blocker)]))
    const seen: Seen = {
      ended: [...outcomes].map(([index, outcome]) => ({ session: index, outcome })).toSorted((one, other) => one.session - other.session),
      waiting: sessions.flatMap((waiter, index) =>
        waiter.state === 'waiting' ? [{ session: index, blockers: [blockers.get(waiter)!] }] : [],
      ),
    }
    outcomes.clear()
    if (!agree(seen, real.seen[at]!)) return { at, model: seen, real: real.seen[at] }
  }
  if (isDeepStrictEqual(notifications, real.notifications)) return undefined
  return { at: real.steps.length, model: notifications, real: real.notifications }
}

/** The model names whom a session waits for; the server may name more. */
function agree(model: Seen, real: Seen): boolean {
  if (!isDeepStrictEqual(model.ended, real.ended) || model.waiting.length !== real.waiting.length) return false
  return model.waiting.every(({ session, blockers }, index) => {
    const waiting = real.waiting[index]!
    return waiting.session === session && blockers.every((blocker) => waiting.blockers.includes(blocker))
  })
}
