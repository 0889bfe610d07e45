import { inMemoryDatabase, inMemoryParticipantStore, VirtualClock } from '@seaworthy/testing'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forgetOldKeys } from '../../platform/forget-old-keys.ts'

const HOUR_MS = 3_600_000

test('answers are kept for a week, removed within the hour after it, and no more once stopped', async () => {
  const clock = new VirtualClock()
  const database = inMemoryDatabase()
  const store = inMemoryParticipantStore()
  const save = (key: string) => database.transaction((tx) => store.save(tx, key, { kind: 'compensated' }, clock.now()))
  const isKept = (key: string) => database.transaction(async (tx) => (await store.load(tx, key)) !== undefined)
  const stop = forgetOldKeys({ store, clock, logger: { warn: assert.fail } })

  await save('old')
  for (let hour = 0; hour < 7 * 24; hour++) await clock.advance(HOUR_MS)
  await save('new')
  assert.equal(await isKept('old'), true)
  await clock.advance(HOUR_MS)
  assert.equal(await isKept('old'), false)
  assert.equal(await isKept('new'), true)

  await stop()
  for (let hour = 0; hour < 8 * 24; hour++) await clock.advance(HOUR_MS)
  assert.equal(await isKept('new'), true)
})
