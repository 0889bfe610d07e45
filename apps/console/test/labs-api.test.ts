import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { beginLabRun, writeLabReport } from '@seaworthy/supervisor'
import { fixture } from './app-fixture.ts'

test('labs: what is in the folder is listed and shown, and its figures may do nothing', async (t) => {
  const { get, labsDir } = await fixture(t)
  assert.deepEqual((await get('/api/labs')).json, { runs: [] })
  const out = beginLabRun(labsDir, 'simulate', 0)
  writeFileSync(join(out, 'chart.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>')
  writeLabReport(out, { lab: 'simulate', summary: 'It shows', startedAtMs: 0, tookMs: 1, outcome: 'failed', printed: 'Error: no' })
  const address = `/api/labs/simulate/${basename(out)}`
  assert.deepEqual(((await get('/api/labs')).json['runs'] as object[]).length, 1)
  assert.deepEqual((await get(address)).json['figures'], ['chart.svg'])
  const figure = await get(`${address}/chart.svg`)
  assert.equal(figure.headers['content-type'], 'image/svg+xml')
  assert.match(String(figure.headers['content-security-policy']), /default-src 'none';.*sandbox$/)
  for (const path of [`${address}/lab.json`, `${address}/..%2f..%2fchart.svg`, '/api/labs/simulate/other', '/api/labs/..%2f/x'])
    assert.equal((await get(path)).status, 404, path)
})
