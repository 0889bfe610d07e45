import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { type MatrixCase } from '../matrix/matrix-case.ts'
import { readRequests } from '../matrix/message-reader.ts'
import { matrixCases, play, type Played } from '../matrix/play.ts'
import { seaworthy } from '../matrix/subjects.ts'

describe('the matrix of raw requests', () => {
  let played: readonly (Played | undefined)[] = []
  before(async () => {
    played = await play(seaworthy)
  })

  for (const [index, { group, name, expect }] of matrixCases.entries()) {
    test(`${group}: ${name}: ${expect.says}`, () => {
      const { wrong, seen } = played[index]!
      assert.equal(wrong, undefined, JSON.stringify(seen).slice(0, 1_000))
    })
  }

  test('has no case twice', () => {
    const key = ({ group, name }: MatrixCase) => `${group}: ${name}`
    assert.equal(new Set(matrixCases.map(key)).size, matrixCases.length)
  })
})

describe('the reader that judges what reaches an upstream', () => {
  const head = 'POST / HTTP/1.1\r\nHost: a\r\n'
  for (const [what, text, flaw] of [
    ['both framings', `${head}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n`, /both/],
    ['another coding', `${head}Transfer-Encoding: xchunked\r\n\r\n`, /xchunked/],
    ['a bare LF', `${head}X: y\nZ: w\r\n\r\n`, /bare LF/],
    ['a space before a colon', `${head}X : y\r\n\r\n`, /X : y/],
    ['two Hosts', `${head}Host: b\r\n\r\n`, /two Hosts/],
    ['a chunk size that is none', `${head}Transfer-Encoding: chunked\r\n\r\n+5\r\nhello\r\n`, /chunk size/],
  ] as const) {
    test(`finds ${what}`, () => assert.match(readRequests(text).flaw ?? '', flaw))
  }

  test('reads several requests, and what is left', () => {
    const { requests, rest, flaw } = readRequests(`${head}Content-Length: 2\r\n\r\nokGET /b HTTP/1.1\r\nHost: a\r\n\r\nGET`)
    assert.deepEqual(
      [requests.map(({ method, body }) => [method, body]), rest, flaw],
      [
        [
          ['POST', 'ok'],
          ['GET', ''],
        ],
        'GET',
        undefined,
      ],
    )
  })
})
