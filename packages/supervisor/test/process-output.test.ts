import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { finished } from 'node:stream/promises'
import { test } from 'node:test'
import { join } from 'node:path'
import { VirtualClock } from '@seaworthy/testing'
import { type Notice, limited } from '../src/notice.ts'
import { ProcessOutput } from '../src/process-output.ts'
import { RotatingLog } from '../src/rotating-log.ts'
import { temporaryFolder } from './observing.ts'

test('of what a process prints, warnings and errors are told, a line each, wherever its chunks are cut', async (t) => {
  const log = new RotatingLog(join(temporaryFolder(t), 'a.log'), { bytesMax: 1_000_000 })
  t.after(() => log.close())
  const told: string[] = []
  const output = new ProcessOutput('a', log, ({ level, message }) => void told.push(`${level} ${message}`))
  const printed = Buffer.from(
    [
      '{"level":30,"msg":"quiet"}',
      '{"level":40,"msg":"grüße"}',
      '{"level":"error","msg":"label","err":{"message":"the\\ncause"}}',
      'no record',
      '(node:12) [DEP0001] DeprecationWarning: old',
      '{"level":60,"msg":"unfinished',
    ].join('\n'),
  )
  for (const size of [1, 7, printed.length]) {
    told.length = 0
    const [stdout, stderr] = [new PassThrough(), new PassThrough()]
    output.attach(stdout, stderr)
    for (let from = 0; from < printed.length; from += size) stdout.write(printed.subarray(from, from + size))
    stdout.end()
    await finished(stdout)
    assert.deepEqual(told, [
      'warning grüße',
      'error label: the cause',
      'warning [DEP0001] DeprecationWarning: old',
      'error {"level":60,"msg":"unfinished',
    ])
  }
})

test('the last word of a process is the line that names its error', async (t) => {
  const log = new RotatingLog(join(temporaryFolder(t), 'a.log'), { bytesMax: 1_000_000 })
  t.after(() => log.close())
  const output = new ProcessOutput('a', log, () => {})
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  output.attach(stdout, stderr)
  stderr.end("file:///x.ts:1\nthrow new TypeError('no')\n\nTypeError: no\n    at x.ts:1\n\nNode.js v24\n")
  await finished(stderr)
  assert.equal(output.lastWord, 'TypeError: no')
})

test('a flood of warnings is cut to a few, and counted', async () => {
  const clock = new VirtualClock()
  const told: Notice[] = []
  const report = limited((notice) => void told.push(notice), clock, 'a.log')
  const warning: Notice = { service: 'a', level: 'warning', message: 'again' }
  for (let count = 0; count < 40; count++) report(warning)
  assert.equal(told.length, 5)
  await clock.advance(10_000)
  report(warning)
  assert.deepEqual(
    told.slice(5).map(({ message }) => message),
    ['35 more warnings and errors are in a.log', 'again'],
  )
})
