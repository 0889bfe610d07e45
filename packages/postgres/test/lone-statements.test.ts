import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { type Operation, type Statement, LimitExceededError, systemClock, watchOperations } from 'seaworthy/core'
import { CommitFailedError, PostgresError } from '@seaworthy/postgres'
import { LoneStatements } from '../src/lone-statements.ts'

const turn = () => new Promise((resolve) => setImmediate(resolve))

/** What happens to one transaction on the server. */
interface Fate {
  /** Macrotasks until its statements take effect, and from then until it is answered. */
  readonly before: number
  readonly after: number
  readonly ends: 'well' | 'lost before it was committed' | 'lost behind its commit'
}

interface Append {
  readonly stream: string
  readonly at: number
  readonly id: string
  readonly isPoison: boolean
}

const refused = () =>
  new PostgresError('no such JSON', { cause: Object.assign(new Error('no such JSON'), { severity: 'ERROR', code: '22P02' }) })

/** A server with streams of ids, on which transactions take effect at once, or not at all. */
class Server {
  readonly streams = new Map<string, readonly string[]>()
  readonly transactions: (readonly string[])[] = []
  readonly #fates: readonly Fate[]

  constructor(fates: readonly Fate[]) {
    this.#fates = fates
  }

  readonly atomically = async (statements: readonly Statement[]): Promise<readonly { readonly rowCount: number }[]> => {
    const { before, after, ends } = this.#fates[this.transactions.length % this.#fates.length]!
    const appends = statements.filter(({ params }) => params !== undefined)
    this.transactions.push(appends.map(({ params }) => String(params![0])))
    for (let passed = 0; passed < before; passed++) await turn()
    if (ends === 'lost before it was committed') throw new CommitFailedError('orders', new Error('socket'))
    const streams = new Map(this.streams)
    const results = statements.map(({ params }) => {
      if (params === undefined) return { rowCount: 1 }
      const [stream, at, id, isPoison] = params as readonly [string, number, string, number]
      if (isPoison === 1) throw refused()
      const ids = streams.get(stream) ?? []
      if (ids.length !== at) return { rowCount: 0 }
      streams.set(stream, [...ids, id])
      return { rowCount: 1 }
    })
    for (const [stream, ids] of streams) this.streams.set(stream, ids)
    for (let passed = 0; passed < after; passed++) await turn()
    if (ends === 'lost behind its commit') throw new CommitFailedError('orders', new Error('socket'))
    return results
  }
}

const WELL: Fate = { before: 1, after: 1, ends: 'well' }
const waiting = { what: 'statements on orders', queueMax: 1_000, waitMs: 60_000, clock: systemClock }

function opened(fates: readonly Fate[] = [WELL]) {
  const server = new Server(fates)
  const lone = new LoneStatements(server.atomically, waiting)
  const append = ({ stream, at, id, isPoison }: Append) =>
    lone.run({ statement: { sql: 'append', params: [stream, at, id, isPoison ? 1 : 0] }, locks: stream })
  return { server, append }
}

const at = (stream: string, version: number, id = `${stream} ${version}`, isPoison = false): Append => ({
  stream,
  at: version,
  id,
  isPoison,
})

void suite('lone statements', () => {
  test('that come together share a transaction, take their locks in one order, and each hears of its own rows', async () => {
    const { server, append } = opened()
    const rows = await Promise.all([append(at('c', 0)), append(at('a', 7)), append(at('b', 0)), append(at('a', 0))])
    assert.deepEqual(rows, [1, 0, 1, 1])
    assert.deepEqual(server.transactions, [['a', 'a', 'b', 'c']])
  })

  test('go each by itself after one of them was refused', async () => {
    const { server, append } = opened()
    const settled = await Promise.allSettled([append(at('b', 0)), append(at('a', 0, 'poison', true)), append(at('c', 1))])
    assert.deepEqual(
      settled.map((one) => (one.status === 'fulfilled' ? one.value : (one.reason as PostgresError).sqlState)),
      [1, '22P02', 0],
    )
    assert.deepEqual(server.transactions, [['a', 'b', 'c'], ['b'], ['a'], ['c']])
  })

  test('show each in the trace of its own caller, with how many it shared a transaction', async (t) => {
    const sizes: unknown[] = []
    const stop = watchOperations((name, channel) => {
      if (name !== 'database.grouped-statement') return
      const told = (message: unknown) => void sizes.push((message as Operation).attributes['seaworthy.database.group_size'])
      channel.asyncEnd.subscribe(told)
      t.after(() => channel.asyncEnd.unsubscribe(told))
    })
    t.after(stop)
    const { append } = opened()
    await Promise.all([append(at('a', 0)), append(at('b', 0))])
    await append(at('c', 0))
    assert.deepEqual(sizes, [2, 2, 1])
  })

  test('are not tried again where it is not known what became of them, nor where there was no room', async () => {
    for (const failure of [new CommitFailedError('orders', new Error('socket')), new LimitExceededError('full', { retryAfterMs: 1 })]) {
      let transactions = 0
      const lone = new LoneStatements(() => Promise.reject((transactions++, failure)), waiting)
      const run = (locks: string) => lone.run({ statement: { sql: 'append' }, locks })
      const settled = await Promise.allSettled([run('a'), run('b')])
      assert.deepEqual(
        settled.map((one) => one.status === 'rejected' && one.reason),
        [failure, failure],
      )
      assert.equal(transactions, 1)
    }
  })

  test('come to what each would come to alone, whatever meets, is refused, or is lost', async () => {
    const appends = fc.array(
      fc.record({
        stream: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
        isPoison: fc.integer({ min: 0, max: 19 }).map((n) => n === 0),
        /** Who asks for the stream's version, and who guesses. */
        guess: fc.option(fc.nat(3), { freq: 4 }),
        turns: fc.nat(6),
      }),
      { minLength: 1, maxLength: 60 },
    )
    const turns = fc.nat(3)
    const ends = fc.integer({ min: 0, max: 9 }).map((n): Fate['ends'] => {
      if (n === 0) return 'lost before it was committed'
      return n === 1 ? 'lost behind its commit' : 'well'
    })
    const fates = fc.array(fc.record({ before: turns, after: turns, ends }), { minLength: 1, maxLength: 10 })
    let shared = 0
    await fc.assert(
      fc.asyncProperty(appends, fates, async (planned, fate) => {
        const { server, append } = opened(fate)
        const settled = await Promise.all(
          planned.map(async ({ stream, isPoison, guess, turns: wait }, number) => {
            for (let passed = 0; passed < wait; passed++) await turn()
            const entry = at(stream, guess ?? server.streams.get(stream)?.length ?? 0, `event ${number}`, isPoison)
            const [outcome] = await Promise.allSettled([append(entry)])
            return { ...entry, outcome }
          }),
        )
        shared += server.transactions.filter(({ length }) => length > 1).length
        for (const { stream, at: version, id, isPoison, outcome } of settled) {
          const places = (server.streams.get(stream) ?? []).flatMap((stored, place) => (stored === id ? [place] : []))
          const error: unknown = outcome.status === 'rejected' ? outcome.reason : undefined
          if (outcome.status === 'fulfilled') assert.deepEqual(places, outcome.value === 1 ? [version] : [])
          else if (error instanceof CommitFailedError) assert.ok(places.every((place) => place === version) && places.length <= 1)
          else assert.ok(isPoison && error instanceof PostgresError && error.sqlState === '22P02' && places.length === 0)
          if (isPoison) assert.ok(outcome.status === 'rejected')
        }
      }),
      { numRuns: 100 },
    )
    assert.ok(shared > 10, `${shared} transactions were shared`)
  })
})
