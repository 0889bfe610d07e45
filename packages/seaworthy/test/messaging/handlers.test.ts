import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { ConfigurationError, InvalidInputError, isFinal, setTraceContextOwner } from 'seaworthy/core'
import { UnknownEventError, assertEnvelope, contextOf, defineEvent, handlers, on } from 'seaworthy/messaging'
import { type Counted, counted, countedSchema, published } from './events.ts'

const options = { topic: 'things', key: ({ key }: Counted) => key, schema: countedSchema }
const countedTwo = defineEvent<Counted>('thing.counted', { ...options, version: 2 })
const lost = defineEvent<Counted>('thing.lost', { ...options, version: 1 })

void suite('handlers by event type', () => {
  test('an event goes to the handler of its type and version, with what the caller hands on', async () => {
    const calls: unknown[] = []
    const handle = handlers(
      [
        on(counted, async (event, extra: string) => void calls.push([1, event.data.n, extra])),
        on(countedTwo, async (event, extra: string) => void calls.push([2, event.data.n, extra])),
        on(lost, async (event, extra: string) => void calls.push(['lost', event.data.n, extra])),
      ],
      { others: 'dead-letter' },
    )
    await handle(published('a', 7), 'x')
    await handle(published('a', 8, { version: 2 }), 'y')
    await handle(published('a', 9, { type: 'thing.lost' }), 'z')
    assert.deepEqual(calls, [
      [1, 7, 'x'],
      [2, 8, 'y'],
      ['lost', 9, 'z'],
    ])
  })

  test('the handler gets the data as the schema returns it, not as it came', async () => {
    let data: unknown
    const handle = handlers([on(counted, async (event) => void (data = event.data))], { others: 'ignore' })
    await handle(published('a', 1, { data: { key: 'a', n: 1, extra: true } }))
    assert.deepEqual(data, { key: 'a', n: 1 })
  })

  test('another type is ignored only if the map says so', async () => {
    const other = published('a', 1, { type: 'thing.else' })
    await handlers([on(counted, async () => assert.fail())], { others: 'ignore' })(other)
    const strict = handlers([on(counted, async () => assert.fail())], { others: 'dead-letter' })
    await assert.rejects(strict(other), (error) => error instanceof UnknownEventError && isFinal(error))
  })

  test('a version that nobody knows is never ignored', async () => {
    const handle = handlers([on(counted, async () => assert.fail())], { others: 'ignore' })
    await assert.rejects(
      handle(published('a', 1, { version: 3 })),
      (error) => error instanceof UnknownEventError && isFinal(error) && /Version 3 .* known: 1/.test(error.message),
    )
  })

  test('data that breaks the schema is refused for good, naming the field, before the handler runs', async () => {
    const handle = handlers([on(counted, async () => assert.fail())], { others: 'ignore' })
    await assert.rejects(
      handle(published('a', 1, { data: { key: 'a' } })),
      (error) => error instanceof InvalidInputError && isFinal(error) && error.fields[0]?.field === 'n',
    )
  })

  test('a version that is listed twice is a mistake of the program', () => {
    const twice = () => handlers([on(counted, async () => undefined), on(counted, async () => undefined)], { others: 'ignore' })
    assert.throws(twice, ConfigurationError)
  })
})

void suite('events', () => {
  test('what came over a log is checked attribute by attribute', () => {
    assert.doesNotThrow(() => assertEnvelope(published('a', 1)))
    const fieldOf = (value: unknown) => {
      try {
        assertEnvelope(value)
        return 'none'
      } catch (error) {
        assert.ok(error instanceof InvalidInputError)
        return error.fields.map(({ field }) => field).join()
      }
    }
    assert.equal(fieldOf(null), '')
    assert.equal(fieldOf('text'), '')
    assert.equal(fieldOf({}), 'id,type,source,key,time,correlationId,version,sequence,data')
    assert.equal(fieldOf(published('a', 1, { key: '' })), 'key')
    assert.equal(fieldOf({ ...published('a', 1), id: 7 }), 'id')
    assert.equal(fieldOf(published('a', 1, { version: 0 })), 'version')
    assert.equal(fieldOf(published('a', 1, { version: 1.5 })), 'version')
    assert.equal(fieldOf(published('a', 1, { sequence: -1 })), 'sequence')
    assert.equal(fieldOf({ ...published('a', 1), traceparent: 1 }), 'traceparent')
    assert.equal(fieldOf(published('a', 1, { data: null })), 'none')
  })

  test('an event without a key is refused where it is made', () => {
    assert.throws(() => counted({ key: '', n: 1 }), InvalidInputError)
  })

  test('what follows from an event has it as its cause', () => {
    const event = published('a', 1, { correlationId: 'c', causationId: 'before', traceparent: 't', actor: 'ann', baggage: 'k=v' })
    assert.deepEqual(contextOf(event), { correlationId: 'c', causationId: 'a-1', traceparent: 't', actor: 'ann', baggage: 'k=v' })
  })

  test('what follows from an event hangs on its handling in a trace, not on its publishing', (t) => {
    t.after(setTraceContextOwner(() => ({ traceparent: 'handling' })))
    const event = published('a', 1, { traceparent: 'publishing', tracestate: 'of=publishing' })
    const { traceparent, tracestate } = contextOf(event)
    assert.deepEqual({ traceparent, tracestate }, { traceparent: 'handling', tracestate: undefined })
  })
})
