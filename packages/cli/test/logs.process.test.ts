import assert from 'node:assert/strict'
import { appendFileSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { until } from '../../supervisor/test/observing.ts'
import { seaworthy, temporaryFolder } from './starting.ts'

function logOf(t: TestContext, text: string) {
  const dataDir = temporaryFolder(t)
  mkdirSync(join(dataDir, 'logs'))
  const file = join(dataDir, 'logs', 'orders.log')
  writeFileSync(file, text)
  return { file, say: (...args: string[]) => seaworthy(t, ['logs', 'orders', `--data-dir=${dataDir}`, ...args]) }
}

test('logs shows the newest lines, and of the last one also what has no end yet', async (t) => {
  const { say } = logOf(t, 'one\ntwo\nthree\n')
  const shown = async (lines: string) => {
    const said = say('--lines', lines)
    assert.equal((await said.ended).code, 0)
    return said.output()
  }
  assert.equal(await shown('2'), 'two\nthree\n')
  assert.equal(await shown('3'), 'one\ntwo\nthree\n')
  assert.equal(await shown('9'), 'one\ntwo\nthree\n')
  assert.equal(await shown('0'), '')
})

test('logs --follow goes on with what is written, over a rotation too, and loses nothing', async (t) => {
  const { file, say } = logOf(t, 'one\n')
  const following = say('--follow')
  await until(() => following.output() === 'one\n', 'the beginning is shown')
  appendFileSync(file, 'two\n')
  await until(() => following.output() === 'one\ntwo\n', 'the next line is shown')
  appendFileSync(file, 'three\n')
  renameSync(file, `${file}.1`)
  writeFileSync(file, 'four\n')
  await until(() => following.output() === 'one\ntwo\nthree\nfour\n', 'the lines around the rotation are shown')
  following.send('SIGINT')
  await following.ended
})
