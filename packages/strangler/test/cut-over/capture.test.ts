import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { type Side, dropSqliteSide, readSqliteFile, remoteSide, serveCutOver, serveSide } from '@seaworthy/strangler/cut-over'
import { eventually } from '@seaworthy/testing'
import { RejectedError } from 'seaworthy/core'
import { reviewsMapping } from './reviews.ts'
import { addReview, addVote, replaced, rows, sqliteSides } from './sqlite-sides.ts'

const keysOf = async (side: Side, after = 0) => (await side.changes({ after, max: 100 })).changes.map(({ key }) => key)

void suite('what is captured on SQLite', () => {
  test('every way to change a row, and both keys of one that changes its entity', async (t) => {
    const { databases, sides } = await sqliteSides(t)
    const { old } = databases
    await addReview(old, 1)
    await addReview(old, 2)
    await addVote(old, 10, 1, 'ada')
    await old.atomically([{ sql: 'UPDATE review_votes SET review_id = 2 WHERE id = 10' }])
    await old.atomically([{ sql: 'DELETE FROM review_votes' }])
    assert.deepEqual(await keysOf(sides.old), ['1', '2', '1', '2', '1', '2'])
  })

  test('columns that the mapping does not name are none of its business', async (t) => {
    const { databases, sides } = await sqliteSides(t)
    await addReview(databases.old, 1)
    const before = (await sides.old.head({})).position
    await databases.old.atomically([{ sql: "UPDATE reviews SET internal_note = 'x'" }])
    assert.deepEqual(await keysOf(sides.old, before), [])
  })

  test('a row of another entity that INSERT OR REPLACE takes away', async (t) => {
    const { databases, sides } = await sqliteSides(t)
    await addReview(databases.old, 1)
    await addReview(databases.old, 2)
    await addVote(databases.old, 10, 1, 'ada')
    const before = (await sides.old.head({})).position
    await databases.old.atomically([{ sql: "INSERT OR REPLACE INTO review_votes (id, review_id, voter, up) VALUES (10, 2, 'ada', 1)" }])
    assert.deepEqual(new Set(await keysOf(sides.old, before)), new Set(['1', '2']))
  })

  test('nothing of what a transaction takes back, and of each row that stays, its place in the order of commits', async (t) => {
    const { databases, sides } = await sqliteSides(t)
    await assert.rejects(
      databases.old.transaction(async (tx) => {
        await tx.execute({ sql: "INSERT INTO reviews (id, product, stars) VALUES (5, '1', 1)" })
        throw new Error('no')
      }),
    )
    await addReview(databases.old, 6)
    assert.deepEqual(await keysOf(sides.old), ['6'])
  })

  test('what was trimmed is gone, and whoever stood before it copies again', async (t) => {
    const { databases, sides, start } = await sqliteSides(t)
    await addReview(databases.old, 1)
    const first = start()
    await eventually('it is copied', async () => (await first.readiness()).ready)
    await first.stop()
    await addReview(databases.old, 2)
    const { position } = await sides.old.head({})
    await sides.old.trim({ upTo: position })
    assert.deepEqual(await sides.old.changes({ after: 0, max: 10 }), { changes: [], from: position, upTo: position, all: false })
    const second = start()
    await eventually('it has what was trimmed', async () => (await rows(databases.new, 'SELECT 1 FROM review')).length === 2)
    await second.stop()
  })

  test('nothing any more once a side is dropped; and whoever takes it up again copies again', async (t) => {
    const { databases, sides, openOld, start } = await sqliteSides(t, { strayWrites: 'refuse' })
    await addReview(databases.old, 1)
    const cutOver = start()
    await eventually('it is ready', async () => (await cutOver.readiness()).ready)
    await cutOver.switch()
    await cutOver.retire()
    await cutOver.stop()
    await assert.rejects(addReview(databases.old, 2), /the other side owns reviews/)
    for (const database of [databases.old, databases.new]) await dropSqliteSide({ mapping: reviewsMapping, database })
    // Something else fills the table now, such as events.
    await addReview(databases.old, 2)
    await databases.new.atomically([{ sql: "INSERT INTO review VALUES ('3', 'p-1', 20, NULL, 0)" }])
    for (const database of [databases.old, databases.new])
      assert.deepEqual(await rows(database, 'SELECT key FROM seaworthy_cut_over_changes'), [])
    assert.equal((await sides.old.state({})).phase, 'retired')
    const { position } = await sides.old.head({})
    assert.ok((await (await openOld()).changes({ after: 0, max: 10 })).from > position)
  })

  test('a key that only the new side has goes with the copy', async (t) => {
    const { databases, start } = await sqliteSides(t)
    const { new: target } = databases
    await target.atomically([
      { sql: 'UPDATE seaworthy_cut_over SET refuse = 0' },
      { sql: "INSERT INTO review VALUES ('77', 'p-1', 20, 'left over from a test', 0)" },
      { sql: 'UPDATE seaworthy_cut_over SET refuse = 1' },
    ])
    const cutOver = start()
    await eventually('it is ready', async () => (await cutOver.readiness()).ready)
    assert.deepEqual(await rows(target, 'SELECT * FROM review'), [])
  })

  test('a difference is named by its key, and a copy mends it', async (t) => {
    const { databases, start } = await sqliteSides(t)
    for (let id = 1; id <= 20; id++) await addReview(databases.old, id)
    const cutOver = start({ limits: { rangeKeysMax: 6, readyAgeMaxMs: 50 } })
    await eventually('it is ready', async () => (await cutOver.readiness()).ready)
    await databases.new.atomically([
      { sql: 'UPDATE seaworthy_cut_over SET refuse = 0' },
      { sql: "UPDATE review SET text = 'tampered with' WHERE review_id = '13'" },
      { sql: "INSERT INTO review VALUES ('99', 'p-1', 20, 'nobody wrote it', 0)" },
      { sql: 'UPDATE seaworthy_cut_over SET refuse = 1' },
    ])
    const found = await cutOver.verify()
    assert.deepEqual([found.kind, found.differing, found.keys], ['different', ['13', '99'], 20])
    assert.ok(found.differingRanges.every(({ expected, found: other }) => expected !== other))
    await cutOver.copyAgain()
    await eventually('it is mended', async () => (await cutOver.verify()).kind === 'equal')
  })
})

void suite('sides of other processes', () => {
  const served = async (t: { after: (end: () => void) => void }, listener: Parameters<typeof createServer>[1]) => {
    const server = createServer(listener)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    t.after(() => {
      server.close()
      server.closeAllConnections()
    })
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  test('a cut-over works over HTTP, and from the monolith’s file', async (t) => {
    const { folder, databases, sides, start } = await sqliteSides(t)
    for (let id = 1; id <= 5; id++) await addReview(databases.old, id)
    const token = 'secret'
    const owner = remoteSide({ url: await served(t, serveSide(sides.old, { token })), token })
    const neverRead = (side: Side) =>
      replaced(side, {
        read: () => assert.fail('it was asked'),
        scan: () => assert.fail('it was asked'),
        changes: () => assert.fail('it was asked'),
      })
    const old = readSqliteFile(neverRead(owner), { mapping: reviewsMapping, side: 'old', path: join(folder, 'old.db') })
    t.after(() => old.close())
    const target = remoteSide({ url: await served(t, serveSide(sides.new, { token })), token })
    const cutOver = start({ old, new: target })
    await eventually('it is ready', async () => (await cutOver.readiness()).ready)
    const url = await served(t, serveCutOver(cutOver, { token }))
    const ask = async (method: string, path: string) => {
      const answer = await fetch(`${url}${path}`, { method, headers: { authorization: `Bearer ${token}` } })
      return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
    }
    assert.deepEqual(await (await fetch(`${url}/ready?route=reviews&toPercent=100`)).json(), { ready: true })
    assert.equal((await fetch(`${url}/status`)).status, 401)
    assert.deepEqual((await ask('POST', '/switch')).body['phase'], 'new')
    await databases.new.atomically([{ sql: "UPDATE review SET text = 'over the wire' WHERE review_id = '3'" }])
    const { body: told } = await ask('GET', '/token?side=new')
    assert.equal((await ask('GET', `/route?token=${String(told['token'])}`)).body['read'], 'new')
    await eventually(
      'it is fed back',
      async () => (await rows(databases.old, "SELECT 1 FROM reviews WHERE body = 'over the wire'")).length === 1,
    )
    assert.equal((await ask('GET', `/route?wish=old&token=${String(told['token'])}`)).body['read'], 'old')
    assert.equal((await ask('POST', '/retire')).body['phase'], 'retired')
    const refused = await ask('POST', '/rollback')
    assert.equal(refused.status, 409)
    assert.match(String(refused.body['detail']), /the way back was given up/)
    assert.equal((await ask('GET', '/token?side=left')).status, 400)
  })

  test('whoever does not know the token is told nothing', async (t) => {
    const { sides } = await sqliteSides(t)
    const side = remoteSide({ url: await served(t, serveSide(sides.old, { token: 'right' })), token: 'wrong' })
    await assert.rejects(side.state({}), RejectedError)
  })
})
