import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answersDue } from '../fuzz/judge.ts'

const END = 'GET /m/end HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'

test('answers are counted where no end is to be waited for: also where the last request is body or trailers of the one before', () => {
  assert.equal(answersDue(`GET /m/0 HTTP/1.1\r\nHost: a\r\n\r\n${END}`), undefined)
  assert.equal(answersDue(`GET /m/0 HTTP/1.1\r\nHost: a\r\n\r\nGET /m/1`), 1)
  assert.equal(answersDue(`PUT /m/0 HTTP/1.1\r\nHost: a\r\nContent-Length: ${END.length}\r\n\r\n${END}`), 1)
  assert.equal(answersDue(`PUT /m/0 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: y${END}`), 1)
})
