import assert from 'node:assert/strict'
import { readFileSync, rmSync, mkdirSync, statSync } from 'node:fs'
import { test } from 'node:test'
import { askService, control, dataDirectoryPaths } from '@seaworthy/supervisor'
import { SeaworthyError } from 'seaworthy/core'
import { startFake, until } from './observing.ts'

const soon = () => AbortSignal.timeout(20_000)
const coded = (code: string, executed: string) => (error: unknown) => {
  assert.ok(error instanceof SeaworthyError, String(error))
  assert.deepEqual([error.code, error.executed], [code, executed])
  return true
}

test('a process is asked over its own channel; one that has nothing to say, or is not there, is said to be so', async (t) => {
  const { running, dataDir, process: processOf } = await startFake(t, { env: { ...process.env, FAKE_ALPHA: 'answers' } })
  // Before it has said what it answers.
  await until(() => typeof processOf('alpha').pid === 'number', 'alpha has a process')
  await assert.rejects(running.ask({ service: 'alpha', question: 'messages', parameters: {} }), coded('unavailable', 'no'))
  await running.untilReady()
  const options = { dataDir, signal: soon() }
  const ask = (service: string) => askService({ service, question: 'messages', parameters: {} }, options)
  assert.deepEqual(await ask('alpha'), { name: 'alpha', parameters: {} })
  await assert.rejects(ask('beta'), /beta has nothing to say about messages\. Ask alpha\./)
  await assert.rejects(ask('beta'), coded('not-found', 'no'))
  await assert.rejects(ask('gamma'), coded('configuration', 'no'))
  await assert.rejects(control({ command: 'ask' } as never, options), coded('invalid-input', 'no'))
  // A process that was replaced answers like the one before it.
  await running.restart('alpha')
  assert.deepEqual(await ask('alpha'), { name: 'alpha', parameters: {} })
})

test('a requeue is audited: who, when, which, in order, and what came of it', async (t) => {
  const { running, dataDir } = await startFake(t, { env: { ...process.env, FAKE_ALPHA: 'answers' } })
  await running.untilReady()
  const { auditLog } = dataDirectoryPaths(dataDir)
  const requeue = (source: string, by?: string) => {
    const parameters = { source, topic: 'orders', key: 'a' }
    return askService(
      { service: 'alpha', question: 'requeue-dead-letters', parameters, ...(by !== undefined && { by }) },
      { dataDir, signal: soon() },
    )
  }
  const lines = () =>
    readFileSync(auditLog, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)

  await assert.rejects(requeue('consumer:alpha'), coded('invalid-input', 'no'))
  assert.deepEqual(await requeue('consumer:alpha', 'ada'), { letters: [{ id: 'm-1', outcome: 'handled', by: 'ada' }], left: 0 })
  await assert.rejects(requeue('nobody', 'bob'), coded('not-found', 'no'))
  await assert.rejects(requeue('dies', 'eve'), coded('unknown-outcome', 'maybe'))
  const audit = lines()
  assert.deepEqual(
    audit.map(({ by, step, service, action }) => [by, step, service, action]),
    [
      ['ada', 'asked'],
      ['ada', 'done'],
      ['bob', 'asked'],
      ['bob', 'failed'],
      ['eve', 'asked'],
      ['eve', 'failed'],
    ].map((line) => [...line, 'alpha', 'requeue-dead-letters']),
  )
  assert.deepEqual(audit[0]!['parameters'], { source: 'consumer:alpha', topic: 'orders', key: 'a' })
  assert.deepEqual(audit[1]!['result'], { letters: [{ id: 'm-1', outcome: 'handled', by: 'ada' }], left: 0 })
  assert.equal(audit[0]!['id'], audit[1]!['id'])
  assert.ok(Date.parse(String(audit[0]!['at'])) > 0)
  assert.match(String(audit[5]!['error']), /alpha ended after it was asked/)
  assert.equal(statSync(auditLog).mode & 0o777, 0o600)
})

test('what cannot be audited is not done', async (t) => {
  const { running, dataDir } = await startFake(t, { env: { ...process.env, FAKE_ALPHA: 'answers' } })
  await running.untilReady()
  const { auditLog } = dataDirectoryPaths(dataDir)
  rmSync(auditLog, { force: true })
  mkdirSync(auditLog)
  const parameters = { source: 'consumer:alpha', topic: 'orders', key: 'a' }
  const requeue = askService({ service: 'alpha', question: 'requeue-dead-letters', parameters, by: 'ada' }, { dataDir, signal: soon() })
  await assert.rejects(requeue, (error: unknown) => coded('unavailable', 'no')(error) && /Nothing was done: the audit/.test(String(error)))
})
