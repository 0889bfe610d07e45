import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fastify } from 'fastify'
import { registerPrometheusTargets } from '../src/http/prometheus-targets.ts'
import { parseRunFile } from '../src/system/run-file.ts'
import { fixture } from './app-fixture.ts'

test('Prometheus is told where each process is scraped, and by what names it goes', async (t) => {
  const app = fastify()
  t.after(() => app.close())
  const processes = [
    { name: 'orders', instance: 'orders-2', role: 'service', metricsUrl: 'http://127.0.0.1:4711/metrics' },
    { name: 'older', metricsUrl: 'no address' },
    { name: 'oldest' },
  ]
  registerPrometheusTargets(app, { state: parseRunFile(JSON.stringify({ system: 'shop', processes })) })
  const answer = await app.inject('/api/prometheus/targets')
  assert.deepEqual(answer.json(), [
    {
      targets: ['127.0.0.1:4711'],
      labels: { service: 'orders', instance: 'orders-2', role: 'service', system: 'shop', __metrics_path__: '/metrics' },
    },
  ])
})

test('without a system there is nobody to scrape, and the console tells of its own process', async (t) => {
  const { get } = await fixture(t)
  assert.equal((await get('/api/prometheus/targets')).text, '[]')
  assert.match((await get('/metrics')).text, /^process_resident_memory_bytes \d+$/m)
})
