import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import * as fc from 'fast-check'
import { type PostgresServer, startPostgres } from '../../../../test/servers/embedded-postgres.ts'
import { toSql } from '../../src/postgres-model/index.ts'
import { type Difference, difference } from './model-run.ts'
import { type Program, program } from './random-program.ts'
import { RealSessions, SERVER_SETTINGS } from './real-run.ts'
import type { Transcript } from './transcript.ts'

// SEAWORTHY_MODEL_STATEMENTS=1000000 SEAWORTHY_MODEL_SECONDS=600 SEAWORTHY_MODEL_SEED=7 for a run of ten minutes.
const STATEMENTS = Number(process.env['SEAWORTHY_MODEL_STATEMENTS'] ?? 3_000)
const SECONDS = Number(process.env['SEAWORTHY_MODEL_SECONDS'] ?? Infinity)
// Looks for a smaller program with the same difference, which takes minutes.
const SHRINK = process.env['SEAWORTHY_MODEL_SHRINK'] === '1'
const SEED = Number(process.env['SEAWORTHY_MODEL_SEED'] ?? 1)
/** On the server a session may be overtaken where the model lets none go first, or there are more orders than are tried: rare, and seldom twice. */
const ATTEMPTS = 3

let server: PostgresServer
let sessions: RealSessions
before(async () => {
  server = await startPostgres({ settings: SERVER_SETTINGS })
  sessions = await RealSessions.open(server.url('postgres'))
})
after(async () => {
  await sessions.close()
  await server.stop()
})

test('random interleavings give on the model what they give on a real server', async (t) => {
  const count = { programs: 0, statements: 0, waits: 0, repeated: 0, inOrder: 0, orders: 0, errors: new Map<string, number>() }
  const startedAtMs = performance.now()
  const agrees = async (steps: Program) => {
    for (let attempt = 1; ; attempt++) {
      const real = await sessions.run(steps)
      tally(count, real)
      const { found, orders } = await difference(real)
      count.orders = Math.max(count.orders, orders)
      if (orders === 1) count.inOrder++
      if (found === undefined) return
      if (attempt === ATTEMPTS) assert.fail(story(real, found))
      count.repeated++
      t.diagnostic(`a difference that may not come again:\n${story(real, found)}`)
    }
  }
  const numRuns = Math.ceil(STATEMENTS / 30)
  const limit = SECONDS === Infinity ? {} : { interruptAfterTimeLimit: SECONDS * 1_000 }
  await fc.assert(fc.asyncProperty(program, agrees), { seed: SEED, numRuns, endOnFailure: !SHRINK, ...limit })
  const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(1)
  const errors = [...count.errors].map(([code, times]) => `${times} of ${code}`).toSorted((one, other) => one.localeCompare(other))
  t.diagnostic(
    `seed ${SEED}: ${count.statements} statements in ${count.programs} programs, ${count.waits} waits, errors: ${errors.join(', ')}; ${count.repeated} repeated, ${count.inOrder} by the default order, at most ${count.orders} orders tried, ${seconds} s`,
  )
  for (const code of ['23505', '23514', '25P02', '40P01', '55P03']) assert.ok(count.errors.has(code), `no statement failed with ${code}`)
  assert.ok(count.waits > count.statements / 100, `only ${count.waits} waits`)
  assert.ok(count.inOrder > count.programs * 0.8, `only ${count.inOrder} of ${count.programs} programs went by the model's default order`)
  assert.ok(count.repeated <= count.programs / 50, `${count.repeated} of ${count.programs} programs had to be repeated`)
})

function tally(count: { programs: number; statements: number; waits: number; errors: Map<string, number> }, real: Transcript): void {
  count.programs++
  count.statements += real.steps.length
  for (const [index, { ended, waiting }] of real.seen.entries()) {
    if (waiting.some(({ session }) => session === real.steps[index]!.session)) count.waits++
    for (const { outcome } of ended) {
      if ('error' in outcome) count.errors.set(outcome.error, (count.errors.get(outcome.error) ?? 0) + 1)
    }
  }
}

/** What led to a difference, as SQL. */
function story(real: Transcript, { at, model, real: seen }: Difference): string {
  const lines = real.steps.slice(0, at + 1).map(({ session, statement }, index) => {
    const { sql, params } = toSql(statement)
    return `${index} session ${session}: ${sql} ${JSON.stringify(params)}\n    ${JSON.stringify(real.seen[index])}`
  })
  return `${lines.join('\n')}\nThe model says ${JSON.stringify(model)}\nThe server says ${JSON.stringify(seen)}`
}
