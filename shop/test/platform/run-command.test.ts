import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseArgs } from 'node:util'
import { ConfigurationError } from 'seaworthy/core'
import { runCommand } from '../../platform/run-command.ts'

test('a command says what was wrong with its arguments and how they are written, and gives a stack for its own defects alone', async (t) => {
  const { exitCode } = process
  t.after(() => {
    process.exitCode = exitCode
  })
  const printed = t.mock.method(console, 'error', () => undefined).mock
  const after = async (main: () => Promise<number>) => {
    await runCommand('Usage: it', main)
    return [process.exitCode, printed.calls.at(-1)?.arguments[0] as unknown]
  }
  const [code, text] = await after(async () => Number(parseArgs({ args: ['--tp', '3'], options: { to: { type: 'string' } } }).values.to))
  assert.equal(code, 2)
  assert.match(String(text), /^Unknown option '--tp'[^]*\n\nUsage: it$/)
  assert.deepEqual(await after(() => Promise.reject(new ConfigurationError('Do this.'))), [1, 'Do this.'])
  const defect = new TypeError('x is undefined')
  assert.deepEqual(await after(() => Promise.reject(defect)), [1, defect])
  assert.equal((await after(async () => 0))[0], 0)
})
