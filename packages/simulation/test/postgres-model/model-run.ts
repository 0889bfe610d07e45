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

const ORDERS_MAX = 2_000

/** An order that is still to be tried: choices to begin with; all after them are the default. */
interface Order {
  readonly choices: readonly number[]
  /** How many steps agreed in the order that this one departs from. */
  readonly agreed: number
  /** How often it departs from the default. */
  readonly departures: number
}

/** A moment at which several sessions could go on. */
interface Fork {
  readonly chosen: number
  readonly possible: number
  readonly step: number
}

/**
 * Finds a difference between the model and what was seen of the server. Where several sessions go on at once, the server lets them race; the model
 * has to give exactly what was seen under some order of theirs. Orders are tried that departed least from the default, beginning at those that agree longest.
 */
export async function difference(real: Transcript): Promise<{ readonly found: Difference | undefined; readonly orders: number }> {
  const open: Order[] = [{ choices: [], agreed: 0, departures: 0 }]
  let furthest: Difference | undefined
  let orders = 0
  while (orders < ORDERS_MAX) {
    const order = takeBest(open)
    if (order === undefined) break
    orders++
    const forks: Fork[] = []
    const found = await replay(real, (possible, step) => {
      const chosen = order.choices[forks.length] ?? 0
      forks.push({ chosen, possible, step })
      return chosen
    })
    if (found === undefined) return { found, orders }
    if (furthest === undefined || found.at > furthest.at) furthest = found
    // What made an earlier step differ leads nowhere.
    if (found.at >= order.agreed) open.push(...departures(order, forks, found.at))
  }
  return { found: furthest, orders }
}

function takeBest(open: Order[]): Order | undefined {
  let best = 0
  for (const [index, { agreed, departures }] of open.entries()) {
    const than = open[best]!
    if (agreed > than.agreed || (agreed === than.agreed && departures < than.departures)) best = index
  }
  return open.splice(best, 1)[0]
}

/** The orders that depart once more, after their last departure; first those that do in the step that differed. */
function departures({ choices, departures: before }: Order, forks: readonly Fork[], at: number): readonly Order[] {
  const later = [...forks.keys()].filter((index) => index >= choices.length)
  const ofStep = later.filter((index) => forks[index]!.step === at)
  const ofEarlier = later.filter((index) => forks[index]!.step < at).toReversed()
  return [...ofStep, ...ofEarlier].flatMap((index) =>
    Array.from({ length: forks[index]!.possible - 1 }, (_, other) => ({
      choices: [...forks.slice(0, index).map(({ chosen }) => chosen), other + 1],
      agreed: at,
      departures: before + 1,
    })),
  )
}

async function replay(real: Transcript, choose: (possible: number, step: number) => number): Promise<Difference | undefined> {
  let step = 0
  const model = new PostgresModel(schema, { choose: (possible) => choose(possible.length, step) })
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
    step = at
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
