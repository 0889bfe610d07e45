import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { describe, test, type TestContext } from 'node:test'
import { exponential, rootContext } from 'seaworthy/core'
import { policy } from 'seaworthy/resilience'
import { eventually, failureOfCall, freePort, reviewsClient, startReviews } from '../fixtures.ts'

describe('a draining HTTP server', () => {
  test('finishes what is in flight, and refuses new requests on open connections as not executed', async (t) => {
    const { promise: finished, resolve: finish } = Promise.withResolvers<void>()
    const { promise: entered, resolve: enter } = Promise.withResolvers<void>()
    const { server } = await startReviews(t, {
      getReview: async ({ params }) => {
        enter()
        await finished
        return { status: 200, body: { id: params.id } }
      },
    })
    const agent = keepAliveAgent(t)
    assert.equal((await get(agent, `${server.url}/api/reviews`)).status, 200)
    const inFlight = get(new Agent(), `${server.url}/api/reviews/1`)
    await entered
    const drained = server.drain({ lingerMs: 5_000 })
    await eventually(() => !server.fastify.server.listening, 'it stops listening')
    const refused = await get(agent, `${server.url}/api/reviews`)
    assert.deepEqual([refused.status, refused.headers['x-seaworthy-executed'], refused.headers.connection], [503, 'no', 'close'])
    assert.match(refused.headers['content-type']!, /^application\/problem\+json/)
    await assert.rejects(get(new Agent(), `${server.url}/api/reviews`), { code: 'ECONNREFUSED' })
    finish()
    assert.equal((await inFlight).status, 200)
    // No connection is left that somebody could use, so nobody waits for the rest of the linger.
    await drained
  })

  test('waits for what is in flight beyond the linger', async (t) => {
    const { promise: finished, resolve: finish } = Promise.withResolvers<void>()
    const { promise: entered, resolve: enter } = Promise.withResolvers<void>()
    const { server, client } = await startReviews(t, {
      getReview: async ({ params }) => {
        enter()
        await finished
        return { status: 200, body: { id: params.id } }
      },
    })
    const inFlight = client.getReview({ params: { id: '1' } })
    await entered
    const drained = server.drain({ lingerMs: 0 })
    const early = await Promise.race([drained.then(() => 'drained'), new Promise((resolve) => setTimeout(resolve, 150, 'waiting'))])
    assert.equal(early, 'waiting')
    finish()
    assert.equal((await inFlight).status, 200)
    await drained
  })

  test('closes connections that stay silent after the linger', async (t) => {
    const { server } = await startReviews(t)
    const agent = keepAliveAgent(t)
    await get(agent, `${server.url}/api/reviews`)
    const startedAt = performance.now()
    await server.drain({ lingerMs: 60 })
    assert.ok(performance.now() - startedAt >= 58)
  })

  test('cuts off what does not finish in time, and tells the handler', async (t) => {
    const { promise: entered, resolve: enter } = Promise.withResolvers<AbortSignal>()
    const { server, client, log } = await startReviews(t, { getReview: ({ call }) => new Promise(() => enter(call.signal!)) })
    const error = failureOfCall(client.getReview({ params: { id: '1' } }))
    const signal = await entered
    await server.drain({ timeoutMs: 20, lingerMs: 0 })
    assert.equal((await error).executed, 'maybe')
    assert.equal(signal.aborted, true)
    assert.match(log.lines[0]!.message, /drain took too long/)
  })

  test('lets a handler that it cuts off say what it knows, and makes no undone work of what the handler hands on', async (t) => {
    const entered: string[] = []
    const { server, client } = await startReviews(t, {
      getReview: async ({ params: { id }, call }) => {
        entered.push(id)
        await once(call.signal!, 'abort')
        if (id === 'undecided') throw call.signal!.reason
        // As who has to ask a database first.
        await new Promise((resolve) => setTimeout(resolve, 5))
        return { status: 200, body: { id } }
      },
    })
    const answered = client.getReview({ params: { id: 'stored' } })
    const failed = failureOfCall(client.getReview({ params: { id: 'undecided' } }))
    await eventually(() => entered.length === 2, 'both are in hand')
    await server.drain({ timeoutMs: 20, lingerMs: 0 })
    assert.deepEqual((await answered).body, { id: 'stored' })
    const { code, executed } = await failed
    assert.deepEqual([code, executed], ['unknown-outcome', 'maybe'])
  })

  test('fails nobody whose client tries again what was surely not executed', async (t) => {
    const port = await freePort()
    const handled: string[] = []
    const start = () =>
      startReviews(
        t,
        {
          getReview: async ({ params }) => {
            handled.push(params.id)
            await new Promise((resolve) => setTimeout(resolve, 2))
            return { status: 200, body: { id: params.id } }
          },
        },
        { port },
      )
    let { server } = await start()
    const patient = policy(
      { timeout: { totalMs: 10_000 }, retry: { attemptsMax: 200, backoff: exponential({ baseMs: 5, maxMs: 40 }), waitMaxMs: 2_000 } },
      { name: 'reviews' },
    )
    const client = reviewsClient(t, { url: `http://127.0.0.1:${port}` }, { policy: patient })
    let sent = 0
    const enough = new AbortController()
    const failures: unknown[] = []
    const worker = async () => {
      while (!enough.signal.aborted) {
        const id = String(sent++)
        await client.getReview({ params: { id } }, rootContext()).catch((error: unknown) => failures.push(error))
      }
    }
    const workers = Array.from({ length: 16 }, worker)
    for (let restart = 0; restart < 5; restart++) {
      const before = handled.length
      await eventually(() => handled.length >= before + 60, 'the work goes on')
      await server.drain({ lingerMs: 50 })
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

function keepAliveAgent(t: TestContext): Agent {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.after(() => agent.destroy())
  return agent
}

function get(agent: Agent, url: string): Promise<{ status: number; headers: Record<string, string | undefined> }> {
  return new Promise((resolve, reject) => {
    request(url, { agent }, (response) => {
      response.resume()
      response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers as Record<string, string | undefined> }))
    })
      .on('error', reject)
      .end()
  })
}
