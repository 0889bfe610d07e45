import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasBearerToken } from 'seaworthy/http'

test('a token is taken as RFC 6750 writes it, whatever the case of its scheme, and in no other way', () => {
  for (const header of ['Bearer secret-1', 'bearer secret-1', 'BEARER  secret-1']) assert.ok(hasBearerToken(header, 'secret-1'), header)
  for (const header of [undefined, '', 'secret-1', 'Basic secret-1', 'Bearer', 'Bearer secret-12', 'Bearer secret', 'Bearer secret-1 x'])
    assert.ok(!hasBearerToken(header, 'secret-1'), header)
})
