import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RequestEnd } from '@seaworthy/http-proxy'
import { familyText } from '@seaworthy/telemetry/prometheus'
import { UnavailableError } from 'seaworthy/core'
import { RequestMetrics } from '../src/request-metrics.ts'

const destination = { path: '/reviews/:id', upstream: { name: 'reviews' } } as RequestEnd['destination']
const ended: RequestEnd = {
  method: 'GET',
  target: '/reviews/17',
  correlationId: 'c',
  clientAddress: '127.0.0.1',
  destination,
  status: 200,
  error: undefined,
  outcome: 'answered',
  answerMs: 10,
  durationMs: 20,
}

test('requests are measured by method, route, upstream, status and what went wrong; what clients invent makes no series', async () => {
  const metrics = new RequestMetrics()
  metrics.record(ended)
  metrics.record({ ...ended, status: 503, error: new UnavailableError('away') })
  metrics.record({ ...ended, status: 500 })
  metrics.record({ ...ended, outcome: 'broken' })
  metrics.record({ ...ended, method: 'BREW-1', status: 404, destination: undefined })
  metrics.record({ ...ended, method: 'BREW-2', status: 404, destination: undefined })
  const text = (await metrics.families()).map(familyText).join('')
  const counts = text.split('\n').filter((line) => line.includes('_count'))
  const of = (labels: string) => `http_server_request_duration_seconds_count{${labels}}`
  const known = 'http_route="/reviews/:id",upstream="reviews"'
  assert.deepEqual(counts, [
    `${of(`http_request_method="GET",http_response_status_code="200",${known}`)} 1`,
    `${of(`http_request_method="GET",http_response_status_code="503",${known},error_type="unavailable"`)} 1`,
    `${of(`http_request_method="GET",http_response_status_code="500",${known},error_type="500"`)} 1`,
    `${of(`http_request_method="GET",http_response_status_code="200",${known},error_type="broken"`)} 1`,
    `${of('http_request_method="_OTHER",http_response_status_code="404"')} 2`,
  ])
  assert.match(text, /_bucket\{http_request_method="_OTHER",http_response_status_code="404",le="0.025"\} 2/)
})
