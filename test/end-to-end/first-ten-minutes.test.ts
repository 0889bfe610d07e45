import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { test } from 'node:test'
import { startShop } from './shop.ts'
import { Shell, missingLine, stepsOf } from './walk.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const page = readFileSync(`${root}docs/first-ten-minutes.md`, 'utf8')

test('a step whose output lacks a line of the page is found out', () => {
  const text = 'a\n```sh again\nls\n```\n```text\none … three\nfour\n```\n```sh\npwd\n```\n'
  assert.deepEqual(stepsOf(text), [
    { commands: 'ls\n', expected: ['one … three', 'four'], isAskedAgain: true },
    { commands: 'pwd\n', expected: [], isAskedAgain: false },
  ])
  assert.equal(missingLine('zero\n one two  three\nfour 4', ['one … three', 'four']), undefined)
  assert.equal(missingLine('four\none two three', ['one … three', 'four']), 'four')
  assert.equal(missingLine('one  two', ['one two', 'one']), 'one')
})

test('the first ten minutes go as their page says, command by command', async (t) => {
  const [start, ...steps] = stepsOf(page)
  assert.equal(start?.commands, 'npm start\n')
  assert.ok(steps.length >= 12, `only ${steps.length} steps`)
  await using shop = await startShop()
  const shell = new Shell({ cwd: root, env: { ...process.env, SEAWORTHY_DATA_DIR: shop.dataDir } })
  t.after(() => shell.close())
  for (const step of steps) {
    // All that differs from what a newcomer has: ports of its own.
    const commands = step.commands.replaceAll('http://127.0.0.1:8080', shop.gateway).replaceAll('http://127.0.0.1:4000', shop.console)
    await shell.walk({ ...step, commands })
  }
})
