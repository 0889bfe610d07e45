import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type Database, RejectedError } from 'seaworthy/core'
import { type ParticipantRecord, type ParticipantStore, participant } from 'seaworthy/saga'
import { withFresh } from './with-fresh.ts'

/** A participant store of the engine under test, empty, and the database it lives in. */
export interface ParticipantStoreUnderTest {
  readonly store: ParticipantStore
  readonly database: Database
  readonly dispose: () => Promise<void>
}

/**
 * What every `ParticipantStore` must do, as tests of node:test.
 * @param open makes a fresh store for each test
 */
export function participantStoreContract(name: string, open: () => Promise<ParticipantStoreUnderTest>): void {
  const check = (sentence: string, body: (under: ParticipantStoreUnderTest) => Promise<void>): void => {
    void test(sentence, () => withFresh(open, body))
  }
  const load = ({ store, database }: ParticipantStoreUnderTest, key: string) => database.transaction((tx) => store.load(tx, key))

  void suite(`participant store contract: ${name}`, () => {
    check('a record comes back as it was saved, and the last one counts', async (under) => {
      const records: readonly ParticipantRecord[] = [
        { kind: 'answered', fingerprint: 'f', answer: { id: 1, list: [null, 'x'] } },
        { kind: 'refused', fingerprint: 'f', refusal: { code: 'rejected', message: 'no', reason: 'gone' } },
        { kind: 'compensated' },
      ]
      assert.equal(await load(under, 'k'), undefined)
      for (const record of records) {
        await under.database.transaction((tx) => under.store.save(tx, 'k', record, 1))
        assert.deepEqual(await load(under, 'k'), record)
      }
      assert.equal(await load(under, 'other'), undefined)
    })

    check('a record goes with its transaction, which sees it', async (under) => {
      const { store, database } = under
      await assert.rejects(
        database.transaction(async (tx) => {
          await store.save(tx, 'k', { kind: 'compensated' }, 1)
          assert.deepEqual(await store.load(tx, 'k'), { kind: 'compensated' })
          throw new Error('no')
        }),
      )
      assert.equal(await load(under, 'k'), undefined)
    })

    check('old records are forgotten, and no others', async (under) => {
      for (const atMs of [10, 20, 30]) {
        await under.database.transaction((tx) => under.store.save(tx, `k${atMs}`, { kind: 'compensated' }, atMs))
      }
      assert.equal(await under.store.forget(30), 2)
      assert.deepEqual(
        [await load(under, 'k10'), await load(under, 'k20'), await load(under, 'k30')],
        [undefined, undefined, { kind: 'compensated' }],
      )
    })

    check('concurrent duplicates of one key act once and get one answer', async ({ store, database }) => {
      const taking = participant({ database, store })
      let acts = 0
      const answers = await Promise.all(
        Array.from({ length: 8 }, () =>
          taking.act('k', 'f', async () => {
            acts++
            await new Promise((resolve) => setImmediate(resolve))
            return { number: acts }
          }),
        ),
      )
      assert.equal(acts, 1)
      assert.deepEqual(new Set(answers.map(({ number }) => number)), new Set([1]))
    })

    check('an action and its compensation at one time end undone, whichever is first', async ({ store, database }) => {
      const taking = participant({ database, store })
      for (let round = 0; round < 10; round++) {
        let effect = 0
        const act = () =>
          taking.act(`k${round}`, 'f', async () => {
            effect++
            return 'done'
          })
        const undo = () => taking.compensate(`k${round}`, async () => void effect--)
        const [acted] =
          round % 2 === 0 ? await Promise.allSettled([act(), undo()]) : (await Promise.allSettled([undo(), act()])).toReversed()
        assert.equal(effect, 0)
        if (acted?.status === 'rejected') assert.ok(acted.reason instanceof RejectedError && acted.reason.reason === 'compensated')
      }
    })
  })
}
