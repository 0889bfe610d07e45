import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { rootContext, UnavailableError, RejectedError, LimitExceededError } from 'seaworthy/core'
import { RemoteFailureError } from '@seaworthy/rpc'
import { errorFromAnswer, type Problem } from 'seaworthy/http'
import { SqliteFullError } from 'seaworthy/sqlite'
import { FAILURES, LEAK } from '../failures.ts'
import { failureOfCall, startReviews } from '../fixtures.ts'

describe('errors over REST', () => {
  for (const { name, thrown, status, arrives, executed, fields } of FAILURES) {
    test(`${name} is answered ${status} and arrives as ${arrives.name}, executed: ${executed}`, async (t) => {
      const { client, server, log } = await startReviews(t, { getReview: () => Promise.reject(thrown) })
      const error = await failureOfCall(client.getReview({ params: { id: '1' } }, rootContext()))
      assert.ok(error instanceof arrives, `${error}`)
      assert.equal(error.executed, executed)
      for (const [name, value] of Object.entries(fields ?? {})) assert.deepEqual(Reflect.get(error, name), value, name)

      const response = await fetch(`${server.url}/api/reviews/1`)
      const text = await response.text()
      const problem = JSON.parse(text) as Problem
      assert.equal(response.status, status)
      assert.match(response.headers.get('content-type')!, /^application\/problem\+json/)
      assert.equal(response.headers.get('x-seaworthy-executed'), executed)
      assert.equal(response.headers.get('x-correlation-id'), problem.correlationId)
      assert.equal(problem.status, status)
      assert.equal(response.headers.has('retry-after'), status === 503 || problem.retryAfterMs !== undefined)
      assert.doesNotMatch(text, LEAK)
      assert.equal(log.lines.filter((line) => line.level === 'error' && line.fields.err === thrown).length, status === 500 ? 2 : 0)
    })
  }

  test('an error that was handed on through two services arrives in the words of the first', async (t) => {
    const first = await startReviews(t, { getReview: () => Promise.reject(new RejectedError('gone', 'It is gone.')) })
    const second = await startReviews(t, { getReview: ({ params, call }) => first.client.getReview({ params }, call) })
    const error = await failureOfCall(second.client.getReview({ params: { id: '1' } }))
    assert.ok(error instanceof RejectedError)
    assert.equal(error.message, 'It is gone.')
    assert.equal(error.reason, 'gone')
  })

  test('what an engine says of its files is in the log, and not in the answer', async (t) => {
    const thrown = new SqliteFullError('No room is left for /srv/orders.db.')
    const { server, log } = await startReviews(t, { getReview: () => Promise.reject(thrown) })
    const response = await fetch(`${server.url}/api/reviews/1`)
    assert.equal(response.status, 503)
    assert.doesNotMatch(await response.text(), /srv/)
    assert.match(log.lines.map(({ message }) => message).join(), /\/srv\/orders\.db/)
  })

  test('a 503 of a server that does not say what became of the request may have been executed', () => {
    const answer = { status: 503, header: (name: string) => (name === 'retry-after' ? '2' : undefined), body: undefined, what: 'GET /x' }
    const error = errorFromAnswer(answer)
    assert.ok(error instanceof RemoteFailureError)
    assert.equal(error.executed, 'maybe')
    assert.equal(error.retryAfterMs, 2_000)
    const said = errorFromAnswer({ ...answer, header: (name) => (name === 'x-seaworthy-executed' ? 'no' : undefined) })
    assert.ok(said instanceof UnavailableError)
  })

  test('a refusal of a server that knows nothing of us was not executed', () => {
    const received = (status: number) => errorFromAnswer({ status, header: () => undefined, body: '<html>', what: 'GET /x' })
    assert.deepEqual(
      [400, 401, 404, 409, 413, 422, 429].map((status) => received(status).executed),
      Array(7).fill('no'),
    )
    assert.deepEqual(
      [408, 500, 502, 503, 504].map((status) => received(status).executed),
      Array(5).fill('maybe'),
    )
    assert.ok(received(413) instanceof LimitExceededError)
    assert.equal(received(413).final, true)
  })
})
