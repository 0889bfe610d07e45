import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type SagaChange, type SagaQuestions, sagaAnswers } from '@seaworthy/supervisor/management'
import { InvalidInputError, NotFoundError, RejectedError, UnavailableError, constant, rootContext } from 'seaworthy/core'
import { orchestrator, saga } from 'seaworthy/saga'
import { VirtualClock, inMemoryDatabase, inMemorySagaStore } from '@seaworthy/testing'

const policy = { backoff: constant(100) }

/** Checkouts whose courier takes no parcel until somebody has mended it. */
function desk() {
  const world = { courier: 'strikes' as 'strikes' | 'works', charges: 0 }
  const checkout = saga<{ card: string; lines: number[] }>('checkout', { version: 2 })
    .forEach('lines', { items: (s) => s.input.lines }, (line) =>
      line.step('reserve', { run: async (s) => ({ item: s.item }), compensate: async () => undefined }),
    )
    .step('charge', {
      run: async () => {
        if (++world.charges === 1) throw new UnavailableError('not now')
        return { token: 'tok_123', cents: 700 }
      },
      compensate: async () => undefined,
      policy,
    })
    .pivot('book', { run: async () => undefined })
    .step('send', {
      run: async () => {
        if (world.courier === 'strikes') throw new RejectedError('on-strike', 'Nobody drives today.')
        return { parcel: 7 }
      },
      forward: true,
    })
  const slow = saga<null>('slow', { version: 1 })
    .sleep('wait', { ms: 60_000 })
    .pivot('end', { run: async () => undefined })
  const clock = new VirtualClock()
  const database = inMemoryDatabase({ clock })
  const store = inMemorySagaStore(database)
  const sagas = [checkout, slow]
  const running = orchestrator({ sagas, store, database, clock })
  const redacted = (value: unknown) => JSON.stringify(value).replaceAll('tok_123', '[redacted]').replaceAll('4711', '[redacted]')
  const answers = sagaAnswers({ sagas, store, orchestrator: running, redacted, clock })
  const context = rootContext({ correlationId: 'c-1', traceparent: `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01` })
  return {
    world,
    clock,
    store,
    database,
    start: async (id: string, lines: number[] = [1]) => {
      await database.transaction((tx) => running.start(tx, checkout, { id, input: { card: '4711', lines }, context }))
      for (let moment = 0; moment < 20; moment++) await clock.advance(20)
    },
    startSlow: (id: string) => database.transaction((tx) => running.start(tx, slow, { id, input: null })),
    ask: async <Name extends keyof SagaQuestions>(name: Name, parameters: object, by?: string) =>
      JSON.parse(JSON.stringify(await answers[name](parameters as Readonly<Record<string, unknown>>, by))) as SagaQuestions[Name]['answer'],
    change: (change: Omit<SagaChange, 'note'> & { note?: string }, by = 'ada') =>
      answers['change-saga']({ note: 'because', ...change }, by),
  }
}

test('sagas are listed newest first with how many there are of each state', async () => {
  const { start, startSlow, ask, clock } = desk()
  await start('order-1')
  await startSlow('nap')
  await clock.advance(1)
  const all = await ask('sagas', {})
  assert.deepEqual(
    all.sagas.map(({ id, state, reason }) => [id, state, reason]),
    [
      ['nap', 'waiting', undefined],
      ['order-1', 'parked', 'on-strike'],
    ],
  )
  assert.deepEqual(all.counts, { running: 0, waiting: 1, compensating: 0, parked: 1, completed: 0, compensated: 0 })
  assert.deepEqual(all.definitions, [
    { name: 'checkout', version: 2 },
    { name: 'slow', version: 1 },
  ])
  const one = await ask('sagas', { state: 'parked', saga: 'slow' })
  assert.deepEqual([one.sagas, one.counts.waiting, one.counts.parked], [[], 1, 0])
  const [, second] = all.sagas
  assert.deepEqual((await ask('sagas', { before: all.sagas[0] })).sagas, [second])
})

test('a database that is closed fails whoever asks, and not the process', async () => {
  const closed = () => Promise.reject(new UnavailableError('The database is closed.'))
  const store = { ...inMemorySagaStore(inMemoryDatabase({ clock: new VirtualClock() })), page: closed, count: closed }
  const answers = sagaAnswers({ sagas: [], store, orchestrator: {} as never, redacted: String, clock: new VirtualClock() })
  await assert.rejects(async () => answers.sagas({}, undefined), UnavailableError)
  // What nobody waited for would be told to the test now, and fail it.
  await new Promise((resolve) => setImmediate(resolve))
})

test('a list goes on page by page, and none is left out or there twice', async () => {
  const { startSlow, ask, clock } = desk()
  for (let index = 0; index < 120; index++) {
    await startSlow(`nap-${index}`)
    if (index % 3 === 0) await clock.advance(1)
  }
  const found: string[] = []
  let page = await ask('sagas', {})
  found.push(...page.sagas.map(({ id }) => id))
  while (page.isMore) {
    page = await ask('sagas', { before: page.sagas.at(-1)! })
    found.push(...page.sagas.map(({ id }) => id))
  }
  assert.deepEqual([found.length, new Set(found).size], [120, 120])
})

test('one saga is shown with its steps, its graph and what may be done, without secrets', async () => {
  const { start, ask } = desk()
  await start('order-1', [1, 2])
  const shown = await ask('saga', { id: 'order-1' })
  assert.deepEqual(
    shown.steps.map(({ step, state, attempts }) => `${step} ${state} ${attempts.length}`),
    ['lines done 1', 'reserve[0] done 1', 'reserve[1] done 1', 'charge done 2', 'book done 1', 'send failed 1'],
  )
  const charge = shown.steps.find(({ step }) => step === 'charge')!
  assert.match(charge.attempts[0]!.error!, /unavailable: not now/)
  assert.equal(charge.result, '{"token":"[redacted]","cents":700}')
  assert.equal(shown.input, '{"card":"[redacted]","lines":[1,2]}')
  assert.deepEqual([shown.status, shown.reason, shown.correlationId, shown.traceId], ['parked', 'on-strike', 'c-1', 'ab'.repeat(16)])
  assert.deepEqual(shown.choices, { retry: true, skip: ['send'], abort: false })
  assert.deepEqual(
    shown.outline?.map(({ kind }) => kind),
    ['for-each', 'compensatable', 'pivot', 'forward'],
  )
  assert.equal(shown.isMore, false)
  await assert.rejects(ask('saga', { id: 'order-9' }), NotFoundError)
})

test('many steps come in parts', async () => {
  const { start, ask, clock } = desk()
  await start(
    'order-1',
    Array.from({ length: 400 }, (_, index) => index),
  )
  for (let moment = 0; moment < 1_200; moment++) await clock.advance(1)
  const first = await ask('saga', { id: 'order-1' })
  const rest = await ask('saga', { id: 'order-1', after: first.steps.length })
  assert.deepEqual([first.steps.length, first.isMore, rest.isMore], [300, true, false])
  assert.equal(new Set([...first.steps, ...rest.steps].map(({ step }) => step)).size, 404)
})

test('a retry goes on, and who decided it and why stands in the journal', async () => {
  const { start, ask, change, clock, world } = desk()
  await start('order-1')
  world.courier = 'works'
  const answer = await change({ id: 'order-1', action: 'retry', note: 'the strike is over' }, 'ada (console)')
  assert.equal((answer as { id: string }).id, 'order-1')
  await clock.advance(10)
  const shown = await ask('saga', { id: 'order-1' })
  assert.equal(shown.status, 'completed')
  assert.deepEqual(
    shown.decisions.map(({ action, actor, note }) => [action, actor, note]),
    [['retry', 'ada (console)', 'the strike is over']],
  )
})

test('a skipped step is taken as done with what it is said to have come to', async () => {
  const { start, ask, change, clock } = desk()
  await start('order-1')
  await change({ id: 'order-1', action: 'skip', step: 'send', result: { parcel: 9 } } as never)
  await clock.advance(10)
  const shown = await ask('saga', { id: 'order-1' })
  assert.equal(shown.status, 'completed')
  const send = shown.steps.find(({ step }) => step === 'send')!
  assert.deepEqual([send.result, send.attempts.at(-1)?.isByHand], ['{"parcel":9}', true])
})

test('what cannot be decided is refused, and nothing of it is in the journal', async () => {
  const { start, startSlow, change, store, clock } = desk()
  await start('order-1')
  await startSlow('nap')
  await clock.advance(1)
  const before = await store.load('order-1')
  await assert.rejects(change({ id: 'order-1', action: 'abort' }), RejectedError)
  await assert.rejects(change({ id: 'order-1', action: 'skip', step: 'charge' } as never), RejectedError)
  await assert.rejects(change({ id: 'nap', action: 'retry' }), RejectedError)
  await assert.rejects(change({ id: 'none', action: 'retry' }), NotFoundError)
  for (const wrong of [
    { action: 'skip' },
    { action: 'delete' },
    { action: 'retry', note: ' ' },
    { action: 'retry', note: 'x'.repeat(1_001) },
  ])
    await assert.rejects(change({ id: 'order-1', ...wrong } as never), InvalidInputError)
  assert.deepEqual(await store.load('order-1'), before)
  await change({ id: 'nap', action: 'abort' })
  await clock.advance(10)
  assert.deepEqual([(await store.load('nap'))?.record.status, (await store.load('nap'))?.record.reason], ['compensated', 'aborted'])
})

test('parameters that cannot be are named', async () => {
  const { ask } = desk()
  for (const wrong of [{ state: 'dead' }, { saga: 7 }, { before: 'x' }, { before: { startedAtMs: 1 } }])
    await assert.rejects(ask('sagas', wrong), InvalidInputError)
  for (const wrong of [{}, { id: '' }, { id: 'a', after: -1 }]) await assert.rejects(ask('saga', wrong), InvalidInputError)
})
