import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type JournalEntry, type Saga, type SagaStatus, checkSagas, saga, sagaGraph } from 'seaworthy/saga'
import { nothing, world } from './saga-world.ts'

const done = (step: string, result: unknown = null): JournalEntry => ({ step, kind: 'done', result, atMs: 1 })
const readOnly = { run: nothing, compensation: 'not-needed' } as const
const undoable = { run: nothing, compensate: nothing } as const
const declared = () => saga<null>('s', { version: 1 })

/** What the check says of one saga of version 1 with this journal. */
async function check(code: readonly Saga<never>[], journal: readonly JournalEntry[], status: SagaStatus = 'running') {
  const { store, database } = world([])
  const record = {
    id: '1',
    saga: 's',
    version: 1,
    input: null,
    context: { correlationId: 'c' },
    reason: undefined,
    startedAtMs: 1,
    updatedAtMs: 1,
  }
  await database.transaction((tx) => store.start(tx, { ...record, status }, 'somebody', journal))
  const before = await store.load('1')
  const { checked, stranded } = await checkSagas({ sagas: code, store })
  assert.deepEqual(await store.load('1'), before, 'the check changed something')
  assert.equal(checked, status === 'completed' ? 0 : 1)
  return stranded[0]?.why
}

void suite('of a saga that is under way new code', () => {
  test('must have its version', async () => {
    assert.match(String(await check([saga('s', { version: 2 })], [])), /no such version/)
    assert.equal(await check([declared(), saga('s', { version: 2 })], []), undefined)
    assert.equal(await check([], [], 'completed'), undefined)
    assert.match(String(await check([], [], 'parked')), /no such version/)
  })

  test('must have its steps, each as what it was', async () => {
    assert.match(String(await check([declared().step('b', readOnly)], [done('a')])), /step "a" that the declaration lacks/)
    const started: JournalEntry = { step: 'a', kind: 'started', attempt: 1, atMs: 1 }
    assert.match(String(await check([declared().sleep('a', { ms: 1 })], [started])), /was called, and is declared as sleep/)
    const waiting: JournalEntry = { step: 'a', kind: 'waiting', untilMs: 5, atMs: 1 }
    assert.match(String(await check([declared().step('a', readOnly)], [waiting])), /was waited for/)
    const each = declared().forEach('a', { items: () => [] }, (steps) => steps)
    assert.match(String(await check([each], [done('a', 7)])), /for-each, and was not/)
  })

  test('must still know how to undo what is being undone', async () => {
    const journal: JournalEntry[] = [done('a'), { step: 'a', kind: 'compensation-started', attempt: 1, atMs: 1 }]
    assert.match(String(await check([declared().step('a', readOnly)], journal, 'compensating')), /does not say how/)
    assert.equal(await check([declared().step('a', undoable)], journal, 'compensating'), undefined)
  })

  test('must not put a step before those that are done; after them it may', async () => {
    const before = declared().step('new', readOnly).step('a', readOnly)
    assert.match(String(await check([before], [done('a')])), /"a" has begun, and the declaration puts something before it/)
    assert.equal(await check([declared().step('a', readOnly).step('new', readOnly)], [done('a')]), undefined)
  })

  test('is held against what is inside of blocks', async () => {
    const blocks = declared()
      .parallel('both', {
        left: (branch) => branch.step('a', readOnly).step('a2', readOnly),
        right: (branch) =>
          branch.when(
            'maybe',
            () => true,
            (steps) => steps.step('b', readOnly),
          ),
      })
      .forEach('all', { items: () => [] }, (each) => each.step('c', readOnly).step('d', readOnly))
    const both = [done('a'), done('maybe', true), done('b')]
    assert.equal(await check([blocks], both), undefined)
    assert.match(String(await check([blocks], [...both, done('all', ['x'])])), /"all" has begun/)
    const inside = [...both, done('a2'), done('all', ['x', 'y']), done('c[0]'), done('c[1]'), done('d[1]')]
    assert.equal(await check([blocks], inside), undefined)
    assert.match(String(await check([blocks], [...inside, done('d[2]')])), /"d\[2\]" has begun/)
  })
})

test('a declared saga is drawn with its blocks, its pivot and what undoes what', () => {
  const drawn = sagaGraph(
    declared()
      .step('reserve "stock"', undoable)
      .parallel('both', { left: (branch) => branch.step('a', readOnly), right: (branch) => branch.sleep('b', { ms: 1 }) })
      .pivot('decide', { run: nothing })
      .when(
        'gift',
        () => true,
        (steps) => steps.step('wrap', { run: nothing, forward: true }),
      ),
  )
  assert.match(drawn, /^flowchart TD\n/)
  assert.match(
    drawn,
    /n1\["reserve &quot;stock&quot;"\]\n {2}n0 --> n1\n {2}n2\(\["undo reserve &quot;stock&quot;"\]\)\n {2}n1 -\.->\|"undo"\| n2/,
  )
  assert.match(drawn, /n3 -->\|"left"\| n4/)
  assert.match(drawn, /n4 --> n6\n {2}n5 --> n6/)
  assert.match(drawn, /n6\{\{"decide \(pivot\)"\}\}/)
  assert.match(drawn, /n7 -->\|"yes"\| n8/)
  assert.match(drawn, /n8 --> n9\n {2}n7 --> n9/)
})
