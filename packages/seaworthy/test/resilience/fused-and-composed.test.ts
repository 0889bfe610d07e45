import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import {
  type CallContext,
  type Clock,
  constant,
  rootContext,
  RejectedError,
  SeaworthyError,
  sleep,
  TimeoutError,
  UnavailableError,
  UnknownOutcomeError,
} from 'seaworthy/core'
import {
  bulkhead,
  circuitBreaker,
  compose,
  countWindow,
  type Guard,
  policy,
  type PolicyDeclaration,
  retry,
  timeout,
  timeWindow,
} from 'seaworthy/resilience'
import { VirtualClock } from '@seaworthy/testing'
import { assertNothingLeft } from './calls.ts'

// SEAWORTHY_PROPERTY_RUNS=100000 looks further.
const numRuns = Number(process.env.SEAWORTHY_PROPERTY_RUNS ?? 300)
const name = 'inventory'
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })

const opening = { openMs: fc.constantFrom(5, 20), openMsMax: fc.constantFrom(20, 40), probesMax: fc.integer({ min: 1, max: 2 }) }
const breaker = fc.oneof(
  fc.record({ consecutiveFailures: fc.integer({ min: 1, max: 3 }), probeLeaseMs: fc.constantFrom(10, 1_000), ...opening }),
  fc.record({
    failureRate: fc.constantFrom(0.3, 0.5, 1),
    window: fc.constantFrom(countWindow(3), countWindow(5), timeWindow(32), timeWindow(64)),
    minimumCalls: fc.integer({ min: 1, max: 3 }),
    slowCalls: fc.constantFrom({ overMs: 5, rate: 0.5 }, { overMs: 1_000, rate: 1 }),
    ...opening,
  }),
)
const settings = fc.record({
  attemptMs: maybe(fc.constantFrom(10, 20)),
  totalMs: maybe(fc.constantFrom(25, 60)),
  attemptsMax: fc.integer({ min: 1, max: 3 }),
  delayMs: fc.constantFrom(1, 5),
  budget: fc.constantFrom({}, { budget: { ratio: 0.2, tokensMax: 2 } }),
  circuitBreaker: maybe(breaker),
  bulkhead: maybe(fc.record({ concurrencyMax: fc.integer({ min: 1, max: 2 }), queueMax: fc.integer({ min: 0, max: 2 }) })),
})
const step = fc.record({ ends: fc.constantFrom('well', 'well', 'down', 'lost', 'rejected'), ms: fc.constantFrom(0, 1, 3, 7, 15, 40) })
const call = fc.record({
  atMs: fc.integer({ min: 0, max: 60 }),
  steps: fc.tuple(step, step, step),
  hasKey: fc.boolean(),
  leavesAfterMs: maybe(fc.integer({ min: 0, max: 60 })),
  hasMs: maybe(fc.integer({ min: -1, max: 60 })),
})
type Settings = typeof settings extends fc.Arbitrary<infer S> ? S : never
type Call = typeof call extends fc.Arbitrary<infer C> ? C : never

/**
 * A fused policy asks the breaker again for a call that waited for a place, which guards of their own cannot: beside a breaker
 * nobody waits. Of a call that ran out of time in the queue it knows that nothing was sent: see {@link ending}.
 */
function declarationOf({ attemptMs, totalMs, attemptsMax, delayMs, budget, ...parts }: Settings): PolicyDeclaration {
  return {
    timeout: { ...(attemptMs !== undefined && { attemptMs }), ...(totalMs !== undefined && { totalMs }) },
    retry: { attemptsMax, backoff: constant(delayMs), ...budget },
    ...(parts.circuitBreaker && { circuitBreaker: parts.circuitBreaker }),
    ...(parts.bulkhead && { bulkhead: { ...parts.bulkhead, ...(parts.circuitBreaker && { queueMax: 0 }) } }),
  }
}

function composed(declaration: PolicyDeclaration, clock: Clock): Guard {
  const options = { name, clock }
  const { attemptMs, totalMs } = declaration.timeout ?? {}
  const guards = [
    totalMs !== undefined && timeout({ totalMs }, options),
    declaration.retry && retry(declaration.retry, options),
    declaration.circuitBreaker && circuitBreaker(declaration.circuitBreaker, options),
    declaration.bulkhead && bulkhead(declaration.bulkhead, options),
    attemptMs !== undefined && timeout({ attemptMs }, options),
  ]
  return compose(...guards.filter((guard) => typeof guard === 'object'))
}

function ending(error: unknown): string {
  assert.ok(error instanceof Error)
  if (error instanceof TimeoutError || error.cause instanceof TimeoutError) return 'out of time'
  return error instanceof SeaworthyError ? `${error.name} ${error.executed}` : error.message
}

/** A body that takes its time and stops when it is told to. */
async function work(clock: Clock, { ends, ms }: Call['steps'][number], signal: AbortSignal | undefined): Promise<string> {
  if (ms > 0) await sleep(clock, ms, signal)
  switch (ends) {
    case 'well':
      return 'stock'
    case 'down':
      throw new UnavailableError('down')
    case 'lost':
      throw new UnknownOutcomeError('lost')
    default:
      throw new RejectedError('gone', 'out of stock')
  }
}

/** What a guard made of each call: every attempt and the ending, each with its moment. */
async function history(guardOf: (clock: Clock) => Guard, calls: readonly Call[]): Promise<string[][]> {
  const clock = new VirtualClock()
  const guard = guardOf(clock)
  const lines: string[][] = calls.map(() => [])
  const tell = (index: number, what: string) => lines[index]!.push(`${clock.monotonicMs().toFixed(4)} ${what}`)
  const controllers = calls.map(() => new AbortController())
  const runs: Promise<void>[] = []
  const begin = ({ steps, hasKey, hasMs }: Call, index: number) => {
    let attempt = 0
    const context = rootContext({
      signal: controllers[index]!.signal,
      ...(hasKey && { idempotencyKey: 'key' }),
      ...(hasMs !== undefined && { deadlineMs: clock.monotonicMs() + hasMs }),
    })
    const body = (inner: CallContext) => {
      tell(index, `attempt ${attempt + 1}`)
      return work(clock, steps[attempt++]!, inner.signal)
    }
    const ended = (what: string) => void tell(index, what)
    runs.push(guard.run(body, context).then(ended, (error: unknown) => ended(ending(error))))
  }
  const moments = calls.flatMap((one, index) => [
    { atMs: one.atMs, happens: () => begin(one, index) },
    ...(one.leavesAfterMs === undefined
      ? []
      : [{ atMs: one.atMs + one.leavesAfterMs, happens: () => controllers[index]!.abort(new Error('left')) }]),
  ])
  for (const { atMs, happens } of moments.toSorted((a, b) => a.atMs - b.atMs)) {
    await clock.advance(atMs - clock.monotonicMs())
    happens()
    await clock.advance(0)
  }
  await clock.advance(5_000)
  await Promise.all(runs)
  assertNothingLeft(
    clock,
    controllers.map(({ signal }) => signal),
  )
  return lines
}

/** No two things at one moment: in which order timers of the same moment fire is no promise. */
function apart(calls: readonly Call[]): Call[] {
  return calls.map(({ atMs, steps, leavesAfterMs, hasMs, hasKey }, index) => ({
    hasKey,
    atMs: atMs + index * 0.0131,
    steps: steps.map(({ ends, ms }, attempt) => ({ ends, ms: ms === 0 ? 0 : ms + (attempt + 1) * 0.000_37 })) as unknown as Call['steps'],
    leavesAfterMs: leavesAfterMs === undefined ? undefined : leavesAfterMs + 0.001_71,
    hasMs: hasMs === undefined ? undefined : hasMs + 0.000_97,
  }))
}

test('a fused policy makes of any calls what its parts do, composed in the same order', async () => {
  await fc.assert(
    fc.asyncProperty(settings, fc.array(call, { minLength: 1, maxLength: 7 }), async (drawn, calls) => {
      const declaration = declarationOf(drawn)
      const timed = apart(calls)
      assert.deepEqual(
        await history((clock) => policy(declaration, { name, clock }), timed),
        await history((clock) => composed(declaration, clock), timed),
      )
    }),
    { numRuns },
  )
})
