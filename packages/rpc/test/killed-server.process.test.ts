import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { describe, test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { UnavailableError, UnknownOutcomeError } from 'seaworthy/core'
import { failureOfCall, ledgerClient, reviewsClient, within } from './fixtures.ts'

async function startServer(t: TestContext) {
  const file = fileURLToPath(new URL('killed-server.ts', import.meta.url))
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '--conditions=source', file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async () => (await lines.next()).value as string
  const where = JSON.parse(await next()) as { url: string; address: string }
  return { ...where, next, kill: async () => void (child.kill('SIGKILL'), await once(child, 'exit')) }
}

describe('a server that is killed with a call in its hands', () => {
  test('over REST: the call may have been executed; the next one surely was not', async (t) => {
    const server = await startServer(t)
    const client = reviewsClient(t, server)
    const error = failureOfCall(client.getReview({ params: { id: '1' } }, within(20_000)))
    assert.equal(await server.next(), 'handling')
    await server.kill()
    assert.ok((await error) instanceof UnknownOutcomeError, `${await error}`)
    assert.ok((await failureOfCall(client.getReview({ params: { id: '1' } }, within(20_000)))) instanceof UnavailableError)
  })

  test('over gRPC: the call may have been executed; the next one surely was not', async (t) => {
    const server = await startServer(t)
    const client = ledgerClient(t, server)
    const error = failureOfCall(client.post({}, within(20_000)))
    assert.equal(await server.next(), 'handling')
    await server.kill()
    assert.ok((await error) instanceof UnknownOutcomeError, `${await error}`)
    assert.ok((await failureOfCall(client.post({}, within(20_000)))) instanceof UnavailableError)
  })
})
