import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, suite, test } from 'node:test'
import { run } from '@seaworthy/cli'

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c'
const HOLDER = '4bf92f3577b34da6a3ce929d0e0e4736'
const path = (sentence: string, parts: readonly (readonly [string, number, number])[]) => ({
  sentence,
  durationMs: 1_000,
  parts: parts.map(([cause, ms, ratio]) => ({ cause, ms, ratio })),
  findings: [{ lockHolder: null }, { lockHolder: { traceId: HOLDER, statement: 'UPDATE stock SET counted = ?' } }],
})
const verdict = {
  ...path('92 % of this checkout is inventory waiting for a lock held by nightly-recount.', [
    ['lock-wait', 920, 0.92],
    ['code', 80.4, 0.08],
  ]),
  whole: null,
  doubts: [{ fact: 'seaworthy.time.cpu_ms', stated: '9e9', spanId: 'abc' }],
}

/** A console that knows some answers. */
async function consoleWith(t: TestContext, answers: Readonly<Record<string, unknown>>): Promise<string> {
  const server = createServer((request, response) => {
    const answer = answers[request.url ?? '']
    response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(answer ?? { detail: 'There is no such trace.' }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function say(...args: string[]) {
  const printed: string[] = []
  const errors: string[] = []
  const code = await run(['why', ...args], {
    env: {},
    print: (text) => void printed.push(text),
    printError: (text) => void errors.push(text),
  })
  return { code, printed: printed.join('\n'), errors: errors.join('\n') }
}

suite('seaworthy why', () => {
  test('says why a trace was slow, in a sentence and in milliseconds, and how to go on', async (t) => {
    const console = await consoleWith(t, { [`/api/traces/${TRACE_ID}/verdict`]: verdict })
    const { code, printed } = await say(TRACE_ID.toUpperCase(), '--console', console)
    assert.equal(code, 0)
    assert.equal(
      printed,
      `92 % of this checkout is inventory waiting for a lock held by nightly-recount.

  lock-wait  920 ms  ${'█'.repeat(37)}
  code       80 ms   ███

The lock's holder: seaworthy why ${HOLDER}
  UPDATE stock SET counted = ?

Doubtful: seaworthy.time.cpu_ms of span abc says 9e9.

${console}/traces/${TRACE_ID}`,
    )
  })

  test('takes the slowest trace of a correlation id', async (t) => {
    const traces = [
      { traceId: HOLDER, durationMs: 5 },
      { traceId: TRACE_ID, durationMs: 900 },
    ]
    const whole = { ...path('96 % of this checkout is a message.', [['queue', 1_960, 0.96]]), durationMs: 2_000 }
    const console = await consoleWith(t, {
      '/api/traces?correlationId=c-1&limit=100': { traces },
      '/api/traces?correlationId=c-2&limit=100': { traces: [] },
      [`/api/traces/${TRACE_ID}/verdict`]: { ...verdict, whole },
    })
    assert.match((await say('c-1', '--console', console)).printed, /Until the end of all that it set off, 2,000 ms in all:\n96 % of this/)
    const unknown = await say('c-2', '--console', console)
    assert.deepEqual([unknown.code, unknown.printed], [1, ''])
    assert.match(unknown.errors, /no trace with the correlation id "c-2"/)
    assert.deepEqual((JSON.parse((await say('c-1', '--json', '--console', console)).printed) as { durationMs: number }).durationMs, 1_000)
  })

  test('says what to do when there is no trace, no console, or no address', async (t) => {
    const console = await consoleWith(t, {})
    assert.match((await say(TRACE_ID, '--console', console)).errors, /There is no such trace/)
    assert.match((await say(TRACE_ID, '--console', 'http://127.0.0.1:1')).errors, /does not answer\. Is it up\?/)
    assert.deepEqual((await say(TRACE_ID, '--console', 'console')).code, 2)
    const empty = mkdtempSync(join(tmpdir(), 'why-'))
    t.after(() => rmSync(empty, { recursive: true }))
    assert.match((await say(TRACE_ID, '--data-dir', empty)).errors, /No system with a console is known in .*--console URL/)
  })
})
