import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { exponential, rootContext } from 'seaworthy/core'
import { policy } from 'seaworthy/resilience'
import { eventually, failureOfCall, freePort, ledgerClient, startLedger } from '../fixtures.ts'

describe('a draining gRPC server', () => {
  test('finishes what is in flight, and takes nothing new', async (t) => {
    const { promise: finished, resolve: finish } = Promise.withResolvers<void>()
    const { promise: entered, resolve: enter } = Promise.withResolvers<void>()
    const { server, client } = await startLedger(t, {
      post: async ({ account }) => {
        enter()
        await finished
        return { entryId: account }
      },
    })
    const inFlight = client.post({ account: 'a' })
    await entered
    const drained = server.drain()
    assert.equal((await failureOfCall(client.balance({}))).executed, 'no')
    finish()
    assert.equal((await inFlight).entryId, 'a')
    await drained
  })

  test('waits for handlers whose callers have left', async (t) => {
    const { promise: finished, resolve: finish } = Promise.withResolvers<void>()
    const { promise: entered, resolve: enter } = Promise.withResolvers<void>()
    let done = false
    const { server, client } = await startLedger(t, {
      post: async () => {
        enter()
        await finished
        done = true
        return {}
      },
    })
    const controller = new AbortController()
    const call = failureOfCall(client.post({}, rootContext({ signal: controller.signal })))
    await entered
    controller.abort()
    await call
    const drained = server.drain()
    // Without the wait for handlers the drain ends as soon as the connections are closed, within milliseconds.
    const early = await Promise.race([drained.then(() => 'drained'), new Promise((resolve) => setTimeout(resolve, 150, 'waiting'))])
    assert.deepEqual([early, done], ['waiting', false])
    finish()
    await drained
    assert.equal(done, true)
  })

  test('cuts off what does not finish in time, and tells the handler', async (t) => {
    const { promise: entered, resolve: enter } = Promise.withResolvers<AbortSignal>()
    const { server, client, log } = await startLedger(t, { post: (_, call) => new Promise(() => enter(call.signal!)) })
    const error = failureOfCall(client.post({}))
    const signal = await entered
    await server.drain({ timeoutMs: 20 })
    assert.equal((await error).executed, 'maybe')
    assert.equal(signal.aborted, true)
    assert.match(log.lines[0]!.message, /drain took too long/)
  })

  test('lets a handler that it cuts off say what it knows, and makes no undone work of what the handler hands on', async (t) => {
    const entered: string[] = []
    const { server, client } = await startLedger(t, {
      post: async ({ account }, { signal }) => {
        entered.push(account)
        await once(signal!, 'abort')
        if (account === 'undecided') throw signal!.reason
        // As who has to ask a database first.
        await new Promise((resolve) => setTimeout(resolve, 5))
        return { entryId: account }
      },
    })
    const answered = client.post({ account: 'stored' })
    const failed = failureOfCall(client.post({ account: 'undecided' }))
    await eventually(() => entered.length === 2, 'both are in hand')
    await server.drain({ timeoutMs: 20 })
    assert.equal((await answered).entryId, 'stored')
    const { code, executed } = await failed
    assert.deepEqual([code, executed], ['unknown-outcome', 'maybe'])
  })

  test('fails nobody whose client tries again what was surely not executed', async (t) => {
    const port = await freePort()
    const handled: string[] = []
    const start = () =>
      startLedger(
        t,
        {
          post: async ({ account }) => {
            handled.push(account)
            await new Promise((resolve) => setTimeout(resolve, 2))
            return { entryId: account }
          },
        },
        { port },
      )
    let { server } = await start()
    const patient = policy(
      { timeout: { totalMs: 10_000 }, retry: { attemptsMax: 400, backoff: exponential({ baseMs: 5, maxMs: 40 }) } },
      { name: 'ledger' },
    )
    const clients = Array.from({ length: 4 }, () => ledgerClient(t, { address: `127.0.0.1:${port}` }, { policy: patient }))
    let sent = 0
    const enough = new AbortController()
    const failures: unknown[] = []
    const worker = async (index: number) => {
      while (!enough.signal.aborted) {
        const account = String(sent++)
        await clients[index % clients.length]!.post({ account }, rootContext()).catch((error: unknown) => failures.push(error))
      }
    }
    const workers = Array.from({ length: 16 }, (_, index) => worker(index))
    for (let restart = 0; restart < 8; restart++) {
      const before = handled.length
      await eventually(() => handled.length >= before + 60, 'the work goes on')
      await server.drain()
      ;({ server } = await start())
    }
    enough.abort()
    await Promise.all(workers)
    assert.deepEqual(failures, [])
    // Nothing was done twice: only what surely had not been done was asked again.
    assert.equal(new Set(handled).size, handled.length)
    assert.equal(handled.length, sent)
  })
})
