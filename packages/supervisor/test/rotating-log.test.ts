import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { RotatingLog } from '../src/rotating-log.ts'
import { temporaryFolder } from './observing.ts'

const text = (path: string) => readFileSync(path, 'utf8')

test('a log that reaches its limit is put aside, and no chunk is torn or lost', (t) => {
  const path = join(temporaryFolder(t), 'service.log')
  const log = new RotatingLog(path, { bytesMax: 10 })
  for (const chunk of ['12345\n', '6\n', '789\n']) log.write(Buffer.from(chunk))
  assert.equal(text(`${path}.1`), '12345\n6\n')
  assert.equal(text(path), '789\n')
  log.close()
})

test('a log goes on where an earlier run ended, and counts what that wrote', (t) => {
  const path = join(temporaryFolder(t), 'service.log')
  for (const chunk of ['12345\n', 'abc\n', 'new\n']) {
    const log = new RotatingLog(path, { bytesMax: 10 })
    log.write(Buffer.from(chunk))
    log.close()
  }
  assert.equal(text(`${path}.1`), '12345\nabc\n')
  assert.equal(text(path), 'new\n')
})

test('a disk that takes nothing ends nothing', (t) => {
  const log = new RotatingLog(join(temporaryFolder(t), 'no such folder', 'service.log'), { bytesMax: 10 })
  log.write(Buffer.from('lost\n'))
  log.close()
})
