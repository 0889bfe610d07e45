import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UnavailableError } from 'seaworthy/core'
import { errorAnswer } from 'seaworthy/http'
import { SqliteBusyError, SqliteFullError } from 'seaworthy/sqlite'

test('whoever asks is not told which file is full, or which process has a lock: that is for the log', () => {
  for (const error of [
    new SqliteFullError('No room is left for /srv/shop/orders.db.'),
    new SqliteBusyError('/srv/shop/orders.db is locked by process 4711 (sqlite3).'),
  ]) {
    const { status, problem, executed } = errorAnswer(error)
    assert.deepEqual([status, problem.code, executed], [503, 'unavailable', 'no'])
    assert.doesNotMatch(problem.detail, /srv|4711/)
    assert.match(problem.detail, /Nothing was done; ask again/)
  }
  assert.equal(errorAnswer(new UnavailableError('Closed for stocktaking.')).problem.detail, 'Closed for stocktaking.')
})
