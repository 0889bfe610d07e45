import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { AdapterError, type ConformanceResult, OUTBOX_TESTS, isConformant, runOutboxConformance } from '@seaworthy/conformance'
import { type PostgresServer, startPostgres } from '@seaworthy/testing/postgres-server'
import { ConfigurationError } from 'seaworthy/core'
import { Client } from 'pg'

let server: PostgresServer
before(async () => {
  server = await startPostgres({ settings: { wal_level: 'logical', max_connections: '200', deadlock_timeout: '100ms' } })
})
after(() => server.stop())

const fixture = (name: string) => fileURLToPath(new URL(`fixtures/${name}.ts`, import.meta.url))

/** What the kit says of an outbox, by the name of the test. */
async function verdicts(adapter: string, only: readonly string[], patienceMs: number): Promise<ReadonlyMap<string, ConformanceResult>> {
  const report = await runOutboxConformance({ adapter, only, scale: 'quick', patienceMs, databaseUrl: server.url('postgres') })
  assert.equal(
    isConformant(report),
    report.results.every(({ verdict }) => verdict !== 'fail' && verdict !== 'not-put'),
  )
  return new Map(report.results.map((result) => [result.name, result]))
}

const saying = (results: ReadonlyMap<string, ConformanceResult>) =>
  Object.fromEntries(
    [...results.values()].map(({ name, verdict, evidence }) => [name, verdict === 'pass' ? verdict : `${verdict}: ${evidence}`]),
  )

const PATIENT_MS = 20_000
/** For outboxes that lose something, each time. */
const IMPATIENT_MS = 800

suite('the conformance kit finds what is broken', () => {
  test('a cursor over positions with gaps loses what commits late', async () => {
    const results = await verdicts(fixture('cursor-over-gaps'), ['late-commit'], IMPATIENT_MS)
    assert.equal(results.get('late-commit')!.verdict, 'fail')
    assert.match(results.get('late-commit')!.evidence, /^\d+ of \d+ events lost: the first is number \d+ of \S+/)
  })

  test('SKIP LOCKED without regard to keys puts them out of order', async () => {
    // Whether one relay overtakes another is a matter of chance: a run in which none did says nothing.
    let evidence = ''
    for (let run = 0; run < 6 && !evidence.includes('out of'); run++) {
      const results = await verdicts(fixture('skip-locked-without-keys'), ['skip-locked'], PATIENT_MS)
      evidence = results.get('skip-locked')!.evidence
    }
    assert.match(evidence, /^\d+ of 150 events out of their key's order/)
  })

  test('a mark before the publishing loses events in a kill', async () => {
    const results = await verdicts(fixture('marks-before-publishing'), ['kill'], IMPATIENT_MS)
    assert.match(results.get('kill')!.evidence, /at claim: \d+ of 15 events lost.*at publish: \d+ of 15 events lost/)
  })

  test('an inbox that looks before it writes handles a message twice that two consumers have', async () => {
    const results = await verdicts(fixture('inbox-that-looks-first'), ['two-connections'], PATIENT_MS)
    assert.match(results.get('two-connections')!.evidence, /effects happened again/)
  })
})

suite('the conformance kit passes what holds', () => {
  test('the outbox, relay and inbox of this repository', async () => {
    const only = ['late-commit', 'two-connections', 'zombie-relay']
    assert.deepEqual(saying(await verdicts('seaworthy', only, PATIENT_MS)), Object.fromEntries(only.map((name) => [name, 'pass'])))
  })

  test('the outbox of the documentation, whose relay is a program of its own; what it does not have is said', async () => {
    const adapter = fileURLToPath(new URL('../../../examples/outbox-adapter.ts', import.meta.url))
    const results = await verdicts(adapter, ['order-per-key', 'clock-jump', 'poison'], PATIENT_MS)
    assert.deepEqual(saying(results), {
      'order-per-key': 'pass',
      poison: 'does-not-have: no inbox',
      'clock-jump': 'does-not-have: a relay whose clock the kit can set: it is a program of its own',
    })
  })

  test('the documentation shows that outbox as it is', () => {
    const page = readFileSync('docs/2-communication/conformance.md', 'utf8')
    for (const [file, language] of [
      ['outbox-adapter.ts', 'ts'],
      ['outbox-relay.mjs', 'js'],
    ]) {
      assert.ok(
        page.includes(`\`\`\`${language}\n${readFileSync(`examples/${file}`, 'utf8')}\`\`\``),
        `examples/${file} is not on the page`,
      )
    }
    for (const { name, question, method } of OUTBOX_TESTS) {
      assert.ok(
        page.includes(`**\`${name}\`.** ${question} *How:* ${method}`),
        `${name} is not on the page as it is: npm run conformance:table`,
      )
    }
  })
})

suite('the conformance kit says what it cannot do', () => {
  test('leaves nothing on the server', async () => {
    const client = new Client({ connectionString: server.url('postgres') })
    await client.connect()
    const { rows } = await client.query("SELECT datname FROM pg_database WHERE datname LIKE 'conformance%'")
    await client.end()
    assert.deepEqual(rows, [])
  })

  test('an adapter that is not there, or is none, and a test that does not exist, are named', async () => {
    await assert.rejects(runOutboxConformance({ adapter: 'nowhere.ts' }), (error: unknown) => {
      assert.ok(error instanceof AdapterError)
      return /no adapter nowhere\.ts/.test(error.message)
    })
    await assert.rejects(runOutboxConformance({ adapter: fixture('broken-outbox') }), /exports no adapter/)
    await assert.rejects(runOutboxConformance({ adapter: 'seaworthy', only: ['lat-commit'] }), /no test lat-commit. There are: late-commit/)
  })

  test('a server that is not fit is refused, with what is missing', async () => {
    const other = await startPostgres({ settings: { synchronous_standby_names: '' } })
    try {
      await assert.rejects(runOutboxConformance({ adapter: 'seaworthy', databaseUrl: other.url('postgres') }), (error: unknown) => {
        assert.ok(error instanceof ConfigurationError)
        return /wal_level is replica, and must be logical/.test(error.message)
      })
    } finally {
      await other.stop()
    }
  })
})
