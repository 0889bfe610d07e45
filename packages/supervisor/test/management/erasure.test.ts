import assert from 'node:assert/strict'
import { test } from 'node:test'
import { erasureAnswers } from '@seaworthy/supervisor/management'
import { inMemoryDatabase } from '@seaworthy/testing'
import { InvalidInputError } from 'seaworthy/core'
import { rowErasure } from 'seaworthy/event-sourcing'

test('a process tells what it has of somebody, and forgets them', async () => {
  const rows = new Map([['ada', 2]])
  const cleaned: string[] = []
  const people = rowErasure({
    database: inMemoryDatabase(),
    clock: { now: () => 7 } as never,
    holders: [
      {
        kind: 'other',
        name: 'letters',
        count: async (subject) => rows.get(subject) ?? 0,
        erase: async (_, subject) => void rows.delete(subject),
      },
      { kind: 'outbox', name: 'what must be sent', count: async () => 1 },
    ],
    async clean() {
      // After the rows are gone, or it would clean nothing.
      cleaned.push(`${rows.size} rows`)
      return ['the archive']
    },
  })
  const answers = erasureAnswers(people)
  const left = { kind: 'outbox', name: 'what must be sent', count: 1, form: 'clear' }
  assert.deepEqual(await answers['erasure-report']({ subject: 'ada' }, undefined), {
    subject: 'ada',
    key: 'unknown',
    places: [{ kind: 'other', name: 'letters', count: 2, form: 'clear' }, left],
  })
  assert.deepEqual(await answers['forget-subject']({ subject: 'ada' }, 'bob'), {
    atMs: 7,
    remains: ['the archive'],
    report: { subject: 'ada', key: 'unknown', places: [left] },
  })
  assert.deepEqual(cleaned, ['0 rows'])
  for (const subject of [undefined, '', 7]) assert.throws(() => answers['forget-subject']({ subject }, 'bob'), InvalidInputError)
})
