import assert from 'node:assert/strict'
import { test } from 'node:test'
import { spanOutcome } from '../../src/otlp/outcome.ts'

const outcome = (attributes: Readonly<Record<string, string>>, options: { isError?: boolean; isServer?: boolean } = {}) =>
  spanOutcome({ isServer: true, isError: false, attribute: (key) => attributes[key], ...options })
const http = (status: number) => ({ 'http.response.status_code': String(status) })
const rpc = (status: string) => ({ 'rpc.response.status_code': status })

test('an HTTP answer decides about its server: 5xx failed, 4xx rejected, whatever the span says', () => {
  assert.deepEqual(
    [200, 201, 304, 400, 405, 422, 499, 500, 503].map((status) => outcome(http(status))),
    [
      ...Array.from({ length: 3 }, () => 'ok'),
      ...Array.from({ length: 4 }, () => 'rejected'),
      ...Array.from({ length: 2 }, () => 'failed'),
    ],
  )
  assert.equal(outcome(http(404), { isError: true }), 'rejected')
  assert.equal(outcome(http(200), { isError: true }), 'failed')
})

test('so does a gRPC status, by name or by number', () => {
  for (const status of ['INVALID_ARGUMENT', 'FAILED_PRECONDITION', 'NOT_FOUND']) assert.equal(outcome(rpc(status)), 'rejected', status)
  for (const status of ['INTERNAL', 'UNKNOWN', 'UNAVAILABLE', 'DEADLINE_EXCEEDED']) assert.equal(outcome(rpc(status)), 'failed', status)
  assert.equal(outcome(rpc('OK')), 'ok')
  assert.equal(outcome({ 'rpc.grpc.status_code': '13' }), 'failed')
  assert.equal(outcome({ 'rpc.grpc.status_code': '0' }), 'ok')
})

test('a call that its caller gave up is no failure of the server', () => {
  assert.equal(outcome(rpc('CANCELLED'), { isError: true }), 'rejected')
  assert.equal(outcome({ 'error.type': 'cancelled' }, { isError: true }), 'rejected')
})

test('a rule that said no is no failure, for whoever met it', () => {
  assert.equal(outcome({ 'error.type': 'rejected' }, { isServer: false, isError: true }), 'rejected')
  assert.equal(outcome({ 'error.type': 'timeout' }, { isServer: false, isError: true }), 'failed')
  assert.equal(outcome({ 'error.type': 'rejected' }, { isServer: false }), 'ok')
})

test('without an answer, and for all that is no server, the span’s own word counts', () => {
  assert.equal(outcome({}, { isError: true }), 'failed')
  assert.equal(outcome({}), 'ok')
  assert.equal(outcome(http(404), { isServer: false, isError: true }), 'failed')
  assert.equal(outcome(http(500), { isServer: false }), 'ok')
})
