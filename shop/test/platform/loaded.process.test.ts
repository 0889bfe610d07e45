import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const PROGRAM = `
  const { createRequire } = await import('node:module')
  for (const name of ['payments', 'order-history', 'orders', 'notifications']) await import('./shop/services/' + name + '/composition.ts')
  await import('./shop/platform/run-service.ts')
  console.log(Object.keys(createRequire(process.cwd() + '/').cache).join('\\n'))
`

test('a process on embedded engines loads no client of a server', async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--conditions=source', '--input-type=module', '--eval', PROGRAM],
    { cwd: fileURLToPath(new URL('../../../', import.meta.url)) },
  )
  const packages = new Set([...stdout.matchAll(/node_modules\/((?:@[^/\n]+\/)?[^/\n]+)\/[^\n]*$/gm)].map(([, name]) => name))
  assert.ok(packages.has('fastify'), 'what is loaded cannot be seen any more')
  assert.deepEqual(
    [...packages].filter((name) => name === 'pg' || name === 'rabbitmq-client' || name === 'redis' || name?.startsWith('@redis/')),
    [],
  )
})
