import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { eventually } from '@seaworthy/testing'
import {
  type StrayWrite,
  NotOwnerError,
  SwitchRefusedError,
  dropSqliteSide,
  ownedWrites,
  storedOwnership,
} from '@seaworthy/strangler/cut-over'
import { reviewsMapping } from './reviews.ts'
import { addReview, addVote, replaced, rows, sqliteSides } from './sqlite-sides.ts'

void suite('the cut-over of a route on SQLite', () => {
  test('what stood there before is copied, and what is written meanwhile follows', async (t) => {
    const { databases, start } = await sqliteSides(t)
    for (let id = 1; id <= 30; id++) await addReview(databases.old, id)
    await addVote(databases.old, 1, 7, 'ada')
    const cutOver = start({ limits: { batchKeysMax: 7 } })
    await addReview(databases.old, 31, 4)
    await databases.old.atomically([
      { sql: 'DELETE FROM reviews WHERE id = 3' },
      { sql: 'UPDATE reviews SET body = ? WHERE id = 4', params: ['changed'] },
    ])
    await eventually('it is ready', async () => (await cutOver.readiness()).ready)
    const found = await rows(databases.new, 'SELECT review_id, rating, text, helpful FROM review ORDER BY CAST(review_id AS INTEGER)')
    assert.equal(found.length, 30)
    assert.deepEqual(
      found.find(({ review_id: id }) => id === '31'),
      { review_id: '31', rating: 80, text: 'review 31', helpful: 0 },
    )
    assert.equal(found.find(({ review_id: id }) => id === '4')!['text'], 'changed')
    assert.equal(found.find(({ review_id: id }) => id === '7')!['helpful'], 1)
    assert.equal((await cutOver.verify()).kind, 'equal')
  })

  test('after a switch the new side takes writes, and the old side has them too', async (t) => {
    const { databases, start } = await sqliteSides(t)
    await addReview(databases.old, 1)
    const cutOver = start()
    const owned = ownedWrites('reviews', databases.new)
    const write = (id: string, text: string) =>
      databases.new.transaction(async (tx) => {
        const epoch = await owned.assertOwned(tx, id)
        await tx.execute({
          sql: `INSERT INTO review VALUES (?1, 'p-1', 100, ?2, 0) ON CONFLICT DO UPDATE SET text = ?2`,
          params: [id, text],
        })
        return epoch
      })
    await eventually('it is ready', async () => (await cutOver.readiness()).ready)
    await assert.rejects(write('2', 'too early'), NotOwnerError)
    const moved = await cutOver.switch()
    assert.deepEqual([moved.phase, moved.epoch], ['new', 3])
    assert.equal(await write('2', 'written on the new side'), 3)
    await write('1', 'changed on the new side')
    await eventually('it is fed back', async () => (await cutOver.status()).lag.changes === 0)
    assert.deepEqual(await rows(databases.old, 'SELECT id, product, stars, body FROM reviews ORDER BY id'), [
      { id: 1, product: '1', stars: 5, body: 'changed on the new side' },
      { id: 2, product: '1', stars: 5, body: 'written on the new side' },
    ])
    assert.equal((await cutOver.verify()).kind, 'equal')
  })

  test('a rollback gives back every key that the old side has, and holds the others until it has them', async (t) => {
    const { databases, sides, start } = await sqliteSides(t)
    for (let id = 1; id <= 3; id++) await addReview(databases.old, id)
    let isStuck = false
    const old = replaced(sides.old, {
      apply: (batch) => (isStuck && batch.entities.length > 0 ? Promise.reject(new Error('the monolith is busy')) : sides.old.apply(batch)),
    })
    const cutOver = start({ old })
    await eventually('it is ready', async () => (await cutOver.readiness()).ready)
    await cutOver.switch()
    isStuck = true
    await databases.new.atomically([{ sql: "UPDATE review SET text = 'new' WHERE review_id = '2'" }])
    const back = await cutOver.rollBack()
    assert.equal(back.phase, 'returning')
    assert.deepEqual(
      back.held.map(({ key }) => key),
      ['2'],
    )
    assert.deepEqual(await cutOver.route({ key: '1' }), { phase: 'returning', epoch: 5, settled: true, write: 'old', read: 'old' })
    assert.deepEqual(await cutOver.route({ key: '2' }), { phase: 'returning', epoch: 5, settled: true, write: 'hold', read: 'new' })
    await databases.old.atomically([{ sql: "UPDATE reviews SET body = 'old again' WHERE id = 1" }])
    isStuck = false
    await eventually('all is back', async () => (await cutOver.status()).phase === 'old')
    assert.deepEqual(
      (await rows(databases.old, 'SELECT body FROM reviews ORDER BY id')).map(({ body }) => body),
      ['old again', 'new', 'review 3'],
    )
    await eventually('and fed again', async () => (await rows(databases.new, "SELECT 1 FROM review WHERE text = 'old again'")).length === 1)
    await cutOver.switch()
    assert.equal((await cutOver.status()).phase, 'new')
  })

  test('a key that has been fed back after a rollback is the old side’s at once, and what is fed of it later does not touch what was written there since', async (t) => {
    const { databases, sides, start } = await sqliteSides(t)
    for (let id = 1; id <= 3; id++) await addReview(databases.old, id)
    const stuck = new Set<string>()
    const old = replaced(sides.old, {
      apply: (batch) =>
        batch.entities.some(({ key }) => stuck.has(key)) ? Promise.reject(new Error('the monolith is busy')) : sides.old.apply(batch),
    })
    const cutOver = start({ old, limits: { batchKeysMax: 1 } })
    await eventually('it is ready', async () => (await cutOver.readiness()).ready)
    await cutOver.switch()
    for (const key of ['2', '3']) stuck.add(key)
    for (const [key, text] of [
      ['3', 'once'],
      ['2', 'new'],
      ['3', 'twice'],
    ] as const)
      await databases.new.atomically([{ sql: 'UPDATE review SET text = ?2 WHERE review_id = ?1', params: [key, text] }])
    const { held } = await cutOver.rollBack()
    assert.deepEqual(held.map(({ key }) => key).toSorted(), ['2', '3'])
    stuck.delete('3')
    await eventually('one is back', async () => (await cutOver.held()).keys.length === 1)
    const { phase, settled, keys } = await cutOver.held()
    assert.deepEqual([phase, settled, keys[0]!.key], ['returning', true, '2'])
    assert.equal((await cutOver.route({ key: '3' })).write, 'old')
    assert.deepEqual(await rows(databases.old, 'SELECT body FROM reviews WHERE id = 3'), [{ body: 'twice' }])
    await databases.old.atomically([{ sql: "UPDATE reviews SET body = 'since' WHERE id = 3" }])
    stuck.clear()
    await eventually('all is back', async () => (await cutOver.held()).phase === 'old')
    assert.deepEqual(await rows(databases.old, 'SELECT body FROM reviews ORDER BY id'), [
      { body: 'review 1' },
      { body: 'new' },
      { body: 'since' },
    ])
    await eventually('and fed again', async () => (await rows(databases.new, "SELECT 1 FROM review WHERE text = 'since'")).length === 1)
  })

  test('a rollback opens the old side for no key before all is told that was written on the new one', async (t) => {
    const { databases, sides, start } = await sqliteSides(t)
    await addReview(databases.old, 1)
    // As replication does, which tells of a commit a while after it.
    let toldUpTo = Number.POSITIVE_INFINITY
    let looks = 0
    const late = replaced(sides.new, {
      changes: async (request) => {
        looks++
        const page = await sides.new.changes(request)
        const changes = page.changes.filter(({ position }) => position <= toldUpTo)
        return { ...page, changes, upTo: Math.min(page.upTo, Math.max(request.after, toldUpTo)) }
      },
    })
    const cutOver = start({ new: late })
    await eventually('it is ready', async () => (await cutOver.readiness()).ready)
    await cutOver.switch()
    toldUpTo = (await sides.new.head({})).position
    await databases.new.atomically([{ sql: "UPDATE review SET text = 'new' WHERE review_id = '1'" }])
    let isBack = false
    const back = cutOver.rollBack().finally(() => (isBack = true))
    await eventually('the new side is closed', async () => (await sides.new.state({})).phase !== 'new')
    const before = looks
    await eventually('it has looked several times', () => isBack || looks > before + 5)
    assert.deepEqual([isBack, (await sides.old.state({})).gate], [false, 'closed'])
    toldUpTo = Number.POSITIVE_INFINITY
    await back
    await eventually('all is back', async () => (await cutOver.status()).phase === 'old')
    assert.deepEqual(await rows(databases.old, 'SELECT body FROM reviews'), [{ body: 'new' }])
  })

  test('nothing is taken from an old side that has heard of a later decision, as where an older copy of the new one’s file was put in its place', async (t) => {
    const { databases, sides, start } = await sqliteSides(t)
    const cutOver = start()
    await eventually('it is ready', async () => (await cutOver.readiness()).ready)
    await sides.old.take({ phase: 'old', epoch: 50 })
    await assert.rejects(cutOver.switch(), SwitchRefusedError)
    await addReview(databases.old, 1)
    await assert.rejects(
      databases.new.transaction((tx) => ownedWrites('reviews', databases.new).assertOwned(tx, '1')),
      NotOwnerError,
    )
  })

  test('a write on the old side after the switch is told with its row', async (t) => {
    const { databases, start } = await sqliteSides(t)
    await addReview(databases.old, 1)
    const strays: StrayWrite[] = []
    const cutOver = start({ onStray: (stray) => strays.push(stray) })
    await eventually('it is ready', async () => (await cutOver.readiness()).ready)
    await cutOver.switch()
    await databases.old.atomically([{ sql: "UPDATE reviews SET body = 'it''s stray' WHERE id = 1" }])
    await eventually('it is told', () => strays.length === 1)
    assert.deepEqual(
      { ...strays[0], position: 0 },
      {
        position: 0,
        key: '1',
        table: 'reviews',
        operation: 'update',
        row: `{"id":"1","product":"'1'","stars":"5","body":"'it''s stray'"}`,
        epoch: 3,
      },
    )
    assert.equal((await cutOver.status()).strays.length, 1)
  })

  test('a write on the old side after the switch fails where strays are refused', async (t) => {
    const { databases, start } = await sqliteSides(t, { strayWrites: 'refuse' })
    await addReview(databases.old, 1)
    const cutOver = start()
    await eventually('it is ready', async () => (await cutOver.readiness()).ready)
    await cutOver.switch()
    await assert.rejects(addReview(databases.old, 2), /the other side owns reviews/)
    await databases.new.atomically([{ sql: "UPDATE review SET text = 'fed back' WHERE review_id = '1'" }])
    await eventually(
      'the feed still may',
      async () => (await rows(databases.old, "SELECT 1 FROM reviews WHERE body = 'fed back'")).length === 1,
    )
  })

  test('a side that is dropped and forgotten captures and refuses nothing any more, and a cut-over after it begins anew', async (t) => {
    const { databases, openOld, openNew, start } = await sqliteSides(t, { strayWrites: 'refuse' })
    await addReview(databases.old, 1)
    const first = start()
    await eventually('it is ready', async () => (await first.readiness()).ready)
    await first.switch()
    await first.stop()
    await assert.rejects(addReview(databases.old, 2), /the other side owns reviews/)
    for (const database of [databases.old, databases.new]) await dropSqliteSide({ mapping: reviewsMapping, database, isForgotten: true })
    await addReview(databases.old, 2)
    assert.equal(await storedOwnership(reviewsMapping.name, databases.new), undefined)
    for (const database of [databases.old, databases.new])
      assert.deepEqual(await rows(database, 'SELECT position FROM seaworthy_cut_over_changes'), [])

    const sides = { old: await openOld(), new: await openNew() }
    const again = start(sides)
    await eventually('it is ready again', async () => (await again.readiness()).ready)
    assert.deepEqual(await storedOwnership(reviewsMapping.name, databases.new), { phase: 'old', epoch: 1 })
    assert.equal((await rows(databases.new, 'SELECT review_id FROM review')).length, 2)
  })

  test('a key that the mapping has no answer for is set aside, and the switch is refused for it', async (t) => {
    const { databases, start } = await sqliteSides(t)
    await addReview(databases.old, 1, 6)
    await addReview(databases.old, 2)
    const cutOver = start({ limits: { retryParkedMs: 10 } })
    await eventually('the other is there', async () => (await rows(databases.new, 'SELECT 1 FROM review')).length === 1)
    await eventually('the copy is done', async () => (await cutOver.status()).copy.stage === 'done')
    await assert.rejects(
      cutOver.switch(),
      (error: unknown) => error instanceof SwitchRefusedError && error.reason.includes('6 stars are more'),
    )
    await databases.old.atomically([{ sql: 'UPDATE reviews SET stars = 1 WHERE id = 1' }])
    await eventually('it is ready', async () => (await cutOver.readiness()).ready)
  })
})
