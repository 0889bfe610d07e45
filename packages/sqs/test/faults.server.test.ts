import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { openSqsQueue } from '@seaworthy/sqs'
import { eventually } from '@seaworthy/testing'
import { type FaultProxy, startFaultProxy } from '@seaworthy/testing/fault-proxy'
import { UnavailableError, UnknownOutcomeError } from 'seaworthy/core'
import type { Queue } from 'seaworthy/messaging'
import { clientOf, endpoint, freshName } from './server.ts'

suite('SQS behind a bad network', () => {
  test('a send whose answer is cut off says maybe, and the message is there', (t) =>
    behindProxy(t, { maxAttempts: 1 }, async ({ queue, proxy, direct }) => {
      await proxy.afflict({ downstream: { halfOpen: true } })
      const sent = send(queue, 'cut off')
      const refused = assert.rejects(sent, (error) => error instanceof UnknownOutcomeError && error.executed === 'maybe')
      await eventually('the message is stored', async () => (await direct.status()).ready === 1)
      assert.ok(proxy.disconnect('reset') > 0)
      await refused
      await proxy.heal()
      await send(queue, 'after')
    }))

  test('a send that the SDK repeats after a reset is stored once or twice, never less', (t) =>
    behindProxy(t, { maxAttempts: 3 }, async ({ queue, proxy, direct }) => {
      await proxy.afflict({ downstream: { cut: { afterBytes: 0, how: 'reset' } } })
      const sent = send(queue, 'm')
      await eventually('an answer was cut off', () => proxy.effects.reset > 0)
      await proxy.heal()
      await sent
      const { ready } = await direct.status()
      assert.ok(ready === 1 || ready === 2 || ready === 3, `${ready} copies`)
      const deliveries = await direct.receive({ max: 10, leaseMs: 60_000, waitMs: 0 })
      assert.ok(deliveries.every(({ id }) => id === 'm'))
    }))

  test('an SQS that falls silent makes a send, an acknowledgement and an extension unknown, never done, and ends a receive', (t) =>
    behindProxy(t, { maxAttempts: 1 }, async ({ queue, proxy, direct }) => {
      await send(queue, 'one')
      await send(queue, 'two')
      const [one] = await queue.receive({ max: 1, leaseMs: 60_000, waitMs: 5_000 })
      const [two] = await queue.receive({ max: 1, leaseMs: 60_000, waitMs: 5_000 })
      await proxy.afflict({ upstream: { halfOpen: true }, downstream: { halfOpen: true } })
      await Promise.all([
        assert.rejects(send(queue, 'three'), UnknownOutcomeError),
        assert.rejects(one!.acknowledge(), UnknownOutcomeError),
        assert.rejects(two!.extend(60_000), UnknownOutcomeError),
        assert.rejects(queue.receive({ max: 1, leaseMs: 1_000, waitMs: 0 }), UnavailableError),
      ])
      assert.ok(proxy.effects['half-open'] > 0)
      assert.equal((await direct.status()).leased, 2)
    }))

  test('without a connection a send is surely not executed, when the SDK tried once', (t) =>
    behindProxy(t, { maxAttempts: 1 }, async ({ queue, proxy }) => {
      await proxy.afflict({ refuse: true })
      proxy.disconnect('close')
      // A connection that was kept open may have been used once more.
      await send(queue, 'm').catch(() => undefined)
      await assert.rejects(send(queue, 'm'), (error) => error instanceof UnavailableError && error.executed === 'no')
      await assert.rejects(queue.receive({ max: 1, leaseMs: 1_000, waitMs: 0 }), UnavailableError)
      await proxy.heal()
      await send(queue, 'm')
    }))

  test('an acknowledgement that surely had no effect may be repeated within the lease', (t) =>
    behindProxy(t, { maxAttempts: 1 }, async ({ queue, proxy, direct }) => {
      await send(queue, 'm')
      const [delivery] = await queue.receive({ max: 1, leaseMs: 60_000, waitMs: 5_000 })
      await proxy.afflict({ refuse: true })
      proxy.disconnect('close')
      await eventually('it is refused before it is sent', async () => {
        const error: unknown = await delivery!.extend(60_000).catch((reason: unknown) => reason)
        return error instanceof UnavailableError
      })
      await assert.rejects(delivery!.acknowledge(), UnavailableError)
      await proxy.heal()
      await delivery!.acknowledge()
      assert.deepEqual(await direct.status(), { ready: 0, delayed: 0, leased: 0, dead: 0 })
    }))
})

interface Proxied {
  readonly queue: Queue
  readonly proxy: FaultProxy
  /** The same queue as another process has it, on connections that nothing happens to. */
  readonly direct: Queue
}

type Ending = { after(fn: () => Promise<void> | void): void }

async function behindProxy(t: Ending, { maxAttempts }: { maxAttempts: number }, body: (under: Proxied) => Promise<void>): Promise<void> {
  const url = await endpoint()
  const proxy = await startFaultProxy({ target: { port: Number(new URL(url).port) } })
  t.after(() => proxy.close())
  const [afflicted, sound] = [clientOf(`http://127.0.0.1:${proxy.port}`, { maxAttempts }), clientOf(url)]
  t.after(() => {
    afflicted.destroy()
    sound.destroy()
  })
  const name = freshName()
  const queue = await openSqsQueue(afflicted, { name, answerTimeoutMs: 1_000 })
  const direct = await openSqsQueue(sound, { name })
  try {
    await body({ queue, proxy, direct })
  } finally {
    await Promise.all([queue.close(), direct.close()])
  }
}

function send(queue: Queue, id: string): Promise<void> {
  return queue.send({ id, body: null, context: { correlationId: 'c' } })
}
