import assert from 'node:assert/strict'
import { test } from 'node:test'
import { httpServer } from '@seaworthy/rpc/rest'
import { storedOwnership } from '@seaworthy/strangler/cut-over'
import { inMemoryEventLog } from '@seaworthy/testing'
import { MONOLITH_SCHEMA } from '../../monolith/adapters/schema.ts'
import { moveData, movingSchema } from '../../platform/moving-data.ts'
import { customersMapping } from '../../services/customers/contract/monolith-mapping.ts'
import { openServiceDatabase } from '../service-database.ts'

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined, fatal: () => undefined }

test('a predecessor begins to capture what is written for those alone who show the token', async (t) => {
  const givesAway = [customersMapping]
  await using monolith = await openServiceDatabase(...movingSchema({ givesAway }), MONOLITH_SCHEMA)
  const { database } = monolith
  const http = httpServer({ port: 0 })
  t.after(() => http.drain({ timeoutMs: 0, lingerMs: 0 }))
  const composition = { givesAway } as unknown as Parameters<typeof moveData>[0]['composition']
  const contract = { token: 'secret', predecessorUrl: undefined }
  await moveData({
    composition,
    contract,
    database,
    log: inMemoryEventLog(),
    diverted: undefined,
    http,
    logger: silent,
    onStop: () => undefined,
  })
  await http.start()
  const ask = async (method: string, path: string, headers = {}) =>
    (await fetch(`${http.url}/internal/cut-over/customers/${path}`, { method, headers })).status
  assert.deepEqual([await ask('GET', 'ready'), await ask('GET', 'ready?'), await ask('POST', 'state')], [401, 401, 401])
  assert.equal(await storedOwnership('customers', database), undefined)
  assert.equal(await ask('POST', 'state', { authorization: 'Bearer secret' }), 200)
  assert.deepEqual(await storedOwnership('customers', database), { phase: 'old', epoch: 1 })
})
