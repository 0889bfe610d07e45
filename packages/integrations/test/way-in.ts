import assert from 'node:assert/strict'
import { request as httpRequest } from 'node:http'
import { describe, test, type TestContext } from 'node:test'
import { type CallContext, currentContext, RejectedError, remainingMs, systemClock, sleep } from 'seaworthy/core'
import type { Problem } from 'seaworthy/http'
import { bulkhead, type Guard, policy, rateLimiter } from 'seaworthy/resilience'

/** What an application does, whatever framework serves it. */
export interface Application {
  /** GET /value: its result as JSON. */
  value(): Promise<unknown>
  /** POST /echo: gets the parsed body; its result as JSON. */
  echo(body: unknown): Promise<unknown>
  /** GET /stream: its chunks, as they come. */
  stream(): AsyncIterable<string>
}

/** Serves an application behind a guard, on a free port of loopback, until the test ends. @returns its address */
export type Serve = (t: TestContext, guard: Guard, application: Application) => Promise<string>

/** Waits for something to become true. */
export async function until(what: string, isTrue: () => boolean): Promise<void> {
  for (let turns = 0; !isTrue(); turns++) {
    assert.ok(turns < 6_000, `waited in vain: ${what}`)
    await sleep(systemClock, 5)
  }
}

const nothing: Application = {
  value: () => Promise.resolve('value'),
  echo: (body) => Promise.resolve(body),
  async *stream() {},
}

const single = () => bulkhead({ concurrencyMax: 1 }, { name: 'way in' })
const running = (guard: ReturnType<typeof single>) => guard.snapshot().bulkhead!.running
const problemOf = async (response: Response) => {
  assert.match(response.headers.get('content-type')!, /^application\/problem\+json/)
  return (await response.json()) as Problem
}

/** A handler that waits until it is told to stop, and one more thing to wait for: that it was. */
function waiting() {
  const { promise: stopped, resolve } = Promise.withResolvers<unknown>()
  let begun = 0
  const value = async () => {
    begun++
    const { signal } = currentContext()!
    await new Promise<void>((done) => signal!.addEventListener('abort', () => done(), { once: true }))
    resolve(signal!.reason)
    throw signal!.reason
  }
  return { value, stopped, begun: () => begun }
}

/** What holds at the way in of every framework. */
export function describeWayIn(framework: string, serve: Serve): void {
  describe(`a guard at the way in of ${framework}`, () => {
    test('hands the context of the call to the handler, also after the body was read', async (t) => {
      const seen: (CallContext | undefined)[] = []
      const look = (answer: unknown) => {
        seen.push(currentContext())
        return Promise.resolve(answer)
      }
      const url = await serve(t, single(), { ...nothing, value: () => look('read'), echo: (body) => look(body) })
      const headers = {
        'content-type': 'application/json',
        'x-correlation-id': 'conversation-7',
        'idempotency-key': 'order-1',
        'x-request-timeout-ms': '60000',
        'x-seaworthy-actor': 'somebody-else',
      }
      const response = await fetch(`${url}/echo`, { method: 'POST', headers, body: '{"sku":"chair"}' })
      assert.deepEqual(await response.json(), { sku: 'chair' })
      assert.equal(response.headers.get('x-correlation-id'), 'conversation-7')
      assert.equal(await (await fetch(`${url}/value`, { headers })).json(), 'read')
      assert.equal(seen.length, 2)
      for (const call of seen) {
        assert.equal(call?.correlationId, 'conversation-7')
        assert.equal(call.idempotencyKey, 'order-1')
        assert.equal(call.actor, undefined, 'anybody can send that header')
        assert.notEqual(call.retriedByCaller, true, 'calls of the handler may be made again')
        const leftMs = remainingMs(call)
        assert.ok(leftMs > 0 && leftMs <= 60_000, `${leftMs} ms are left`)
      }
    })

    test('answers Problem Details with Retry-After when it is full, and lets the next one in when a place is free', async (t) => {
      const { promise: gate, resolve: open } = Promise.withResolvers<string>()
      const guard = single()
      let begun = 0
      const url = await serve(t, guard, {
        ...nothing,
        value: () => {
          begun++
          return gate
        },
      })
      const first = fetch(`${url}/value`)
      await until('the first has begun', () => begun === 1)
      const refused = await fetch(`${url}/value`, { headers: { 'x-correlation-id': 'refused-1' } })
      assert.equal(refused.status, 503)
      assert.equal(refused.headers.get('retry-after'), '1')
      assert.equal(refused.headers.get('x-seaworthy-executed'), 'no')
      const problem = await problemOf(refused)
      assert.equal(problem.code, 'unavailable')
      assert.equal(problem.correlationId, 'refused-1')
      assert.match(problem.detail, /Bulkhead way in is full/)
      assert.equal(begun, 1)
      open('done')
      assert.equal(await (await first).json(), 'done')
      await until('the place is free', () => running(guard) === 0)
      assert.equal((await fetch(`${url}/value`)).status, 200)
    })

    test('says when the next call may come', async (t) => {
      const guard = rateLimiter({ kind: 'sliding-window', callsMax: 1, windowMs: 60_000 }, { name: 'rate' })
      const url = await serve(t, guard, nothing)
      assert.equal((await fetch(`${url}/value`)).status, 200)
      const refused = await fetch(`${url}/value`)
      assert.equal(refused.status, 503)
      assert.ok(Number(refused.headers.get('retry-after')) > 1)
      await problemOf(refused)
    })

    test('sees a failing handler as a failure and a rejection as an answer, once each, and frees both places', async (t) => {
      t.mock.method(console, 'error', () => {})
      const guard = policy(
        { bulkhead: { concurrencyMax: 1 }, retry: { attemptsMax: 3, backoff: { kind: 'constant', delayMs: 1 } }, idempotent: true },
        { name: 'way in' },
      )
      const errors: Error[] = [new Error('a defect'), new RejectedError('card-declined', 'The card was declined.')]
      const url = await serve(t, guard, { ...nothing, value: () => Promise.reject(errors.shift()!) })
      const defect = await fetch(`${url}/value`)
      assert.equal(defect.status, 500)
      await defect.text()
      await until('the place is free', () => guard.snapshot().failed === 1)
      const rejected = await fetch(`${url}/value`)
      assert.equal(rejected.status, 422)
      const { reason, code } = await problemOf(rejected)
      assert.deepEqual({ reason, code }, { reason: 'card-declined', code: 'rejected' })
      await until('both are over', () => guard.snapshot().succeeded === 1)
      assert.equal(errors.length, 0)
      assert.equal(guard.snapshot().bulkhead!.running, 0)
      assert.equal(guard.snapshot().retries, 0)
    })

    test('tells the handler when its client leaves, and frees the place', async (t) => {
      const guard = single()
      const { value, stopped, begun } = waiting()
      const url = await serve(t, guard, { ...nothing, value })
      const request = httpRequest(`${url}/value`, { agent: false })
      request.on('error', () => {})
      request.end()
      await until('the handler has begun', () => begun() === 1)
      assert.equal(running(guard), 1)
      request.destroy()
      const reason = await stopped
      assert.ok(reason instanceof Error && reason.name === 'AbortError', String(reason))
      assert.match(reason.message, /client closed the connection/)
      await until('the place is free', () => running(guard) === 0)
    })

    for (const [name, guard] of [
      ['that looks at it', single()],
      ['that does not', { run: (body: (call: CallContext) => Promise<unknown>, call: CallContext) => body(call) } as Guard],
    ] as const) {
      test(`answers 504 at the deadline of the caller, behind a guard ${name}, and tells the handler`, async (t) => {
        const { value, stopped } = waiting()
        const never = Promise.withResolvers<never>()
        t.after(() => never.reject(new Error('over')))
        // It looks at its signal, and goes on all the same.
        const url = await serve(t, guard, { ...nothing, value: () => value().catch(() => never.promise) })
        const late = await fetch(`${url}/value`, { headers: { 'x-request-timeout-ms': '50' } })
        assert.equal(late.status, 504)
        const { code } = await problemOf(late)
        assert.equal(code, 'timeout')
        assert.equal(late.headers.get('x-seaworthy-executed'), 'maybe')
        assert.equal(((await stopped) as Error).name, 'TimeoutError')
      })
    }

    test('refuses a deadline that is none', async (t) => {
      const url = await serve(t, single(), nothing)
      const refused = await fetch(`${url}/value`, { headers: { 'x-request-timeout-ms': 'soon' } })
      assert.equal(refused.status, 400)
      assert.deepEqual(
        (await problemOf(refused)).errors?.map(({ field }) => field),
        ['x-request-timeout-ms'],
      )
    })

    test('lets a stream through chunk by chunk, and holds its place until the end', async (t) => {
      const guard = single()
      const { promise: gate, resolve: open } = Promise.withResolvers<void>()
      const url = await serve(t, guard, {
        ...nothing,
        async *stream() {
          yield 'first'
          await gate
          yield 'last'
        },
      })
      const response = await fetch(`${url}/stream`)
      const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
      assert.equal((await reader.read()).value, 'first')
      assert.equal(running(guard), 1)
      assert.equal((await fetch(`${url}/value`)).status, 503)
      open()
      assert.equal((await reader.read()).value, 'last')
      assert.equal((await reader.read()).done, true)
      await until('the place is free', () => running(guard) === 0)
    })

    test('frees the place of a stream whose client leaves', async (t) => {
      const guard = single()
      const never = Promise.withResolvers<void>()
      t.after(() => never.resolve())
      const url = await serve(t, guard, {
        ...nothing,
        async *stream() {
          yield 'first'
          await never.promise
        },
      })
      const controller = new AbortController()
      const response = await fetch(`${url}/stream`, { signal: controller.signal })
      await response.body!.getReader().read()
      controller.abort()
      await until('the place is free', () => running(guard) === 0)
    })
  })
}
